"""The cache: whatever happened to it, what is asked for is there, and whole."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pith import UserError
from pith.metal.compiler import cache, link, zig
from pith.metal.compiler.link import KERNEL

CONTENT = {"program.o": b"object " * 100, "times.json": b"{}"}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own."""
    monkeypatch.setenv("PITH_CACHE", str(tmp_path / "cache"))
    yield tmp_path / "cache"
    cache._not_kept.clear()
    cache._say_once.cache_clear()


def make(place: Path) -> None:
    for name, content in CONTENT.items():
        (place / name).write_bytes(content)


def content(place: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in place.iterdir() if file.name != cache.SUMS}


def refuse(place: Path) -> None:
    raise AssertionError(f"{place} is made again")


def test_what_was_made_is_there_the_next_time(capsys: pytest.CaptureFixture[str]) -> None:
    place, was_there = cache.kept("a", make)
    assert not was_there and content(place) == CONTENT
    assert cache.kept("a", refuse) == (place, True)
    assert capsys.readouterr().err == ""


def test_what_could_not_be_made_leaves_nothing(directory: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        cache.kept("a", lambda place: print(1 // 0))
    assert list((directory / "compiled").iterdir()) == []
    assert cache.kept("a", make)[1] is False


def _rewrite(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(place: Path) -> None:
        for file in place.iterdir():
            file.write_bytes(change(file.read_bytes()))

    return damage


DAMAGE: dict[str, Callable[[Path], None]] = {
    "all empty": _rewrite(lambda old: b""),
    "all cut short": _rewrite(lambda old: old[: len(old) // 2]),
    "all random": _rewrite(lambda old: os.urandom(len(old))),
    "one bit": lambda place: (place / "program.o").write_bytes(b"O" + CONTENT["program.o"][1:]) and None,
    "a file is gone": lambda place: (place / "times.json").unlink(),
    "a file too many": lambda place: (place / "core").write_bytes(b"") and None,
    "a directory for a file": lambda place: ((place / "times.json").unlink(), (place / "times.json").mkdir())[
        0
    ],
    "the sums lack a line": lambda place: (
        (place / cache.SUMS).write_text((place / cache.SUMS).read_text().splitlines(True)[0]) and None
    ),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_entry_is_made_anew(
    damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    place, _ = cache.kept("a", make)
    damage(place)
    assert cache.kept("a", make) == (place, False)
    assert content(place) == CONTENT
    assert capsys.readouterr().err == f"pith: {place} was damaged, and is made anew\n"
    assert cache.kept("a", refuse) == (place, True)


@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_no_entry_gives_way(directory: Path, is_file: bool) -> None:
    place = directory / "compiled" / "a"
    place.parent.mkdir(parents=True)
    if is_file:
        place.write_text("in the way")
    else:
        place.mkdir()
        (place / "program.o").write_text("without sums: an older version of Pith made it")
    assert cache.kept("a", make) == (place, False)
    assert content(place) == CONTENT


def test_an_entry_that_cannot_be_read_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    place, _ = cache.kept("a", make)
    (place / "program.o").chmod(0)
    if os.geteuid() == 0:  # who may read everything
        read = Path.read_bytes

        def refused(file: Path) -> bytes:
            if file.stat().st_mode & 0o777 == 0:
                raise PermissionError(errno.EACCES, "Permission denied", str(file))
            return read(file)

        monkeypatch.setattr(Path, "read_bytes", refused)
    assert cache.kept("a", make)[1] is False
    assert content(place) == CONTENT


def test_a_cache_that_cannot_be_written_is_done_without(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory.write_text("a file, and no directory")
    place, was_there = cache.kept("a", make)
    assert not was_there and content(place) == CONTENT
    assert cache.kept("a", refuse) == (place, True)  # as long as the process lasts
    assert content(cache.kept("b", make)[0]) == CONTENT
    complaint = (
        f"pith: {directory}/compiled cannot be written (Not a directory): what is compiled is not kept\n"
    )
    assert capsys.readouterr().err == complaint  # once


def test_a_cache_that_may_only_be_read_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    place, _ = cache.kept("a", make)

    def refused(*arguments: object, **options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    for name in ("utime", "mkdir", "rename"):
        monkeypatch.setattr(os, name, refused)
    assert cache.kept("a", refuse) == (place, True)


def test_on_a_full_disk_things_are_made_elsewhere(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make_where_there_is_room(place: Path) -> None:
        if place.is_relative_to(directory):
            (place / "program.o").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        make(place)

    place, was_there = cache.kept("a", make_where_there_is_room)
    assert not was_there and content(place) == CONTENT and not place.is_relative_to(directory)
    assert list((directory / "compiled").iterdir()) == []
    assert "No space left on device" in capsys.readouterr().err


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Have a shell script run in place of the Python that runs zig."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    monkeypatch.setattr(zig.sys, "executable", str(python))


@pytest.mark.parametrize("body", ["echo 'error: unable to write: NoSpaceLeft' >&2; exit 1", "kill -BUS $$"])
def test_a_full_disk_is_told_apart_from_a_refused_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    stand_in(tmp_path, monkeypatch, body)
    with pytest.raises(OSError) as caught:
        link.assemble("", tmp_path / "x.o", KERNEL)
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(tmp_path)


def test_a_compiler_that_is_killed_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "kill -KILL $$")
    with pytest.raises(UserError, match="clang was ended by SIGKILL"):
        link.assemble("", tmp_path / "x.o", KERNEL)


def test_zig_needs_no_home_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/dev/null")
    for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    link.assemble("nop", tmp_path / "x.o", KERNEL)
    assert {file.name for file in tmp_path.iterdir()} == {"x.o", "x.s"}


def test_several_at_once_get_the_same(directory: Path) -> None:
    def make_slowly(place: Path) -> None:
        time.sleep(0.05)
        make(place)

    with ThreadPoolExecutor(8) as workers:
        places = list(workers.map(lambda _: cache.kept("a", make_slowly)[0], range(8)))
    assert set(places) == {directory / "compiled" / "a"} and content(places[0]) == CONTENT
    assert [entry.place.name for entry in cache.entries()] == ["a"]


def use(place: Path, ago: float) -> None:
    os.utime(place, (time.time() - ago, time.time() - ago))


def test_what_was_used_longest_ago_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [cache.kept(key, make)[0] for key in "abcd"]
    for place, hours in zip(places, (4, 2, 3, 0), strict=True):
        use(place, hours * 3600)
    size = cache.entries()[0].size
    assert size > 700
    monkeypatch.setattr(cache, "LIMIT", 3 * size)
    cache.kept("e", make)
    assert [place.exists() for place in places] == [False, True, False, True]


def test_what_is_in_use_stays_however_large_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LIMIT", 0)
    places = [cache.kept(key, make)[0] for key in "abc"]
    assert all(cache.is_whole(place) for place in places)


def test_using_an_entry_makes_it_young() -> None:
    place, _ = cache.kept("a", make)
    use(place, 7200)
    cache.kept("a", refuse)
    assert time.time() - cache.entries()[0].used < 3600


def test_what_a_killed_process_left_goes(directory: Path) -> None:
    (directory / "compiled").mkdir(parents=True)
    old, new = (directory / "compiled" / name for name in (".old", ".new"))
    for leftover in (old, new):
        leftover.mkdir()
        make(leftover)
    use(old, 7200)
    cache.kept("a", make)
    assert not old.exists() and new.exists()


def test_clearing_removes_what_is_ours_and_nothing_else(directory: Path) -> None:
    cache.kept("a", make)
    cache.kept("b", make)
    (directory / "thesis.txt").write_text("PITH_CACHE may name any directory")
    removed = cache.clear()
    assert len(removed) == 2 and cache.entries() == []
    assert sorted(file.name for file in directory.rglob("*")) == ["compiled", "thesis.txt"]
    assert cache.clear() == []


def test_what_cannot_be_removed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    place, _ = cache.kept("a", make)

    def refused(*arguments: object, **options: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "rename", refused)
    with pytest.raises(UserError, match=f"{place} cannot be removed"):
        cache.clear()
