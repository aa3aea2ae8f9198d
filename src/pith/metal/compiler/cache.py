"""The cache: directories of what was made before, named by the hash of everything that the result depends on.

    <cache>/compiled/<key>/              an entry: what was made, and SHA256SUMS, which lists it
                     .<anything>/        an entry in the making, or on its way out

An entry is made beside and renamed into place, so that two processes, or one that was killed, leave no half of one. Before it
is used its files are compared with their sums: whatever a disk, a crash or a person did to them, it is then made anew, and one
line says so. Where the cache cannot be written (its directory, or a full disk), things are made in a temporary
directory that lasts as long as the process, and one line says that. So nothing about the cache can stop Pith.

When it has more than LIMIT bytes, what was used longest ago goes. What was used within the last hour stays in any
case: another process may be working with it.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from pith import UserError, cache_directory

LIMIT: Final = 512 << 20
IN_USE: Final = 3600  # seconds since an entry was used
SUMS: Final = "SHA256SUMS"  # in the format of sha256sum, so that `sha256sum --check` reads it, too

_not_kept: dict[Path, Path] = {}  # by the place that each would have in the cache


def kept(key: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
    """The directory of `key`, filled by `make` if it is not there yet, or not whole; whether it was there."""
    place = _entries() / key
    if place in _not_kept:
        return _not_kept[place], True
    if is_whole(place):
        with contextlib.suppress(OSError):  # a cache that may only be read is as good as any
            os.utime(place)
        return place, True
    if os.path.lexists(place / SUMS):
        _say(f"{place} was damaged, and is made anew")
    try:
        _keep(place, make)
    except OSError as error:
        _say_once(f"{place.parent} cannot be written ({error.strerror}): what is compiled is not kept")
        _not_kept[place] = _make_for_now(key, make)
        return _not_kept[place], False
    return place, False


def is_whole(place: Path) -> bool:
    """Whether the entry has exactly the files that its sums list, and they are what they were."""
    try:
        listed = (place / SUMS).read_text()
        return listed == _sums(place)
    except (OSError, ValueError):
        return False


def _sums(place: Path) -> str:
    files = sorted(file for file in place.iterdir() if file.name != SUMS)
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)


def _entries() -> Path:
    return cache_directory() / "compiled"


# Making -------------------------------------------------------------------------------------------------------------


def _keep(place: Path, make: Callable[[Path], None]) -> None:
    """Make an entry and put it into its place. Raises OSError where the cache cannot be written."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".", dir=place.parent))
    try:
        make(fresh)
        (fresh / SUMS).write_text(_sums(fresh))
        if not is_whole(place):  # someone else may have been faster: theirs is the same
            _discard(place)
            with contextlib.suppress(OSError):  # faster still
                fresh.rename(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if not is_whole(place):
        raise OSError(0, "what was written is not what is read")
    _tidy(place.parent)


def _make_for_now(key: str, make: Callable[[Path], None]) -> Path:
    place = _temporary_directory() / key
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    make(place)
    return place


@cache
def _temporary_directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="pith-not-kept-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _say(line: str) -> None:
    print(f"pith: {line}", file=sys.stderr)


_say_once = cache(_say)


# Removing -----------------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """Something that takes room in the cache: an entry, or what is left of one."""

    place: Path
    size: int  # bytes
    used: float  # seconds since the epoch

    @property
    def is_finished(self) -> bool:
        return not self.place.name.startswith(".")


def entries() -> list[Entry]:
    """All that is in the cache, what was used last first."""
    return sorted(_measured(_entries()), key=lambda entry: entry.used, reverse=True)


def _measured(directory: Path) -> Iterator[Entry]:
    with contextlib.suppress(OSError):
        for place in directory.iterdir():
            with contextlib.suppress(OSError):  # others tidy up, too
                size = sum(file.lstat().st_size for file in [place, *place.rglob("*")])
                yield Entry(place, size, place.lstat().st_mtime)


def _tidy(directory: Path) -> None:
    """Bring the cache below its limit, and remove what killed processes left."""
    total = 0
    for entry in sorted(_measured(directory), key=lambda entry: entry.used, reverse=True):
        total += entry.size
        is_old = time.time() - entry.used > IN_USE
        if is_old and (total > LIMIT or not entry.is_finished):
            with contextlib.suppress(OSError):
                _discard(entry.place)


def clear() -> list[Entry]:
    """Remove all that is in the cache, and nothing that lies beside it; what was removed.

    Raises UserError for what cannot be removed. A process that uses an entry at this moment will miss it.
    """
    removed = entries()
    for entry in removed:
        with contextlib.suppress(OSError):
            _discard(entry.place)
    for left in entries():
        raise UserError(f"{left.place} cannot be removed", "remove it as its owner, or as root")
    return removed


def _discard(place: Path) -> None:
    """Remove an entry at once, as far as others can see; nothing if it is not there. Raises OSError."""
    if not os.path.lexists(place):
        return
    if not place.is_dir() or place.is_symlink():
        place.unlink()
        return
    leaving = Path(tempfile.mkdtemp(prefix=".", dir=place.parent))
    try:
        place.rename(leaving)
    finally:
        shutil.rmtree(leaving, ignore_errors=True)
