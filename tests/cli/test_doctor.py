"""`pith doctor`: sound and unsound surroundings."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest

from pith.cli import doctor
from tests.cli.conftest import Pith


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PITH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def line_of(ended_out: str, subject: str) -> str:
    return next(line for line in ended_out.splitlines() if line[8:].startswith(subject))


def test_here_all_that_is_required_is_installed(pith: Pith) -> None:
    ended = pith("doctor")
    assert (ended.code, ended.err) == (0, "")
    for subject in ("Python", "llvmlite", "ziglang", "unicorn", "qemu", "LLVM", "CPU emulator", "cache"):
        assert line_of(ended.out, subject).startswith("ok ")


def test_without_qemu_and_gdb_pith_is_sound(pith: Pith, fake_tool: Callable[[str, str], None]) -> None:
    ended = pith("doctor")
    assert ended.code == 0
    assert line_of(ended.out, "QEMU").startswith("absent")
    assert "apt-get install qemu-system-misc" in ended.out
    assert line_of(ended.out, "gdb").startswith("absent")


def test_an_old_qemu_is_named(pith: Pith, fake_tool: Callable[[str, str], None]) -> None:
    fake_tool("qemu-system-riscv64", 'echo "QEMU emulator version 6.2.0"')
    assert "QEMU 6.2 is too old: Pith needs 7.2 or later" in line_of(pith("doctor").out, "QEMU")


def test_missing_and_unfit_packages(pith: Pith, monkeypatch: pytest.MonkeyPatch) -> None:
    needs = ["unicorn>=99", "no-such-thing>=1", "rich>=1; extra == 'dev'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: needs)
    ended = pith("doctor")
    assert ended.code == 1
    assert "does not fit (needs >=99)" in line_of(ended.out, "unicorn")
    assert "not installed (needs >=1)" in line_of(ended.out, "no-such-thing")
    assert "  rich " not in ended.out
    assert ended.out.endswith("2 required: see what to type above\n")


def test_pith_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISTRIBUTION", "pith-of-another-name")
    (finding,) = doctor.examine_packages()
    assert finding.complaint == "Pith runs from a directory, and is not installed"


def test_llvms_that_do_not_match(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "output_of", lambda *_: "clang version 3.1.4")
    assert "they must match" in doctor.examine_llvm().complaint


def test_a_zig_that_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "output_of", lambda *_: "")
    assert doctor.examine_llvm().complaint == "`python -m ziglang version` does not run"


def test_a_cache_that_cannot_be_written(pith: Pith, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    monkeypatch.setenv("PITH_CACHE", str(in_the_way / "cache"))
    ended = pith("doctor")
    assert ended.code == 0  # it is done without
    assert "cannot be written: Not a directory; every start compiles anew" in line_of(ended.out, "cache")
    assert "export PITH_CACHE=/a/directory" in ended.out


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PITH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    found = doctor.examine_cache()
    assert "no home directory" in found.complaint and found.remedy == "export PITH_CACHE=/a/directory"
