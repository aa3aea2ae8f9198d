"""`pith doctor`: sound and unsound surroundings."""

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from pith.cli import examination
from pith.cli.errors import damaged_package
from pith.metal.compiler import zig
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
    monkeypatch.setattr(examination, "DISTRIBUTION", "pith-of-another-name")
    (finding,) = examination.examine_packages()
    assert finding.complaint == "Pith runs from a directory, and is not installed"


def test_llvms_that_do_not_match(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zig, "run", lambda *_, directory: "clang version 3.1.4")
    assert "zig's clang is 3: they must match" in examination.examine_llvm().complaint


def test_llvms_are_compared_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/dev/null")
    assert examination.examine_llvm().complaint == ""


def test_a_zig_that_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "output_of", lambda *_: "")
    assert examination.examine_llvm().complaint == "`python -m ziglang version` does not run"


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
    found = examination.examine_cache()
    assert "no home directory" in found.complaint and found.remedy == "export PITH_CACHE=/a/directory"


def test_a_package_that_lost_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "first_damaged", lambda distribution: "unicorn/lib/libunicorn.so")
    finding = examination.examine_package("unicorn>=2")
    complaint = "its file unicorn/lib/libunicorn.so is missing or cut short"
    assert (finding.complaint, finding.remedy) == (complaint, "make set-up")


def test_a_file_that_is_missing_or_cut_short(tmp_path: Path) -> None:
    record = tmp_path / "small-1.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Name: small\nVersion: 1\n")
    (record / "RECORD").write_text("small.py,,5\nother.py,,\nsmall-1.dist-info/RECORD,,\n")
    distribution = importlib.metadata.Distribution.at(record)
    assert examination.first_damaged(distribution) == "small.py"
    (tmp_path / "small.py").write_text("12345")
    assert examination.first_damaged(distribution) == ""
    (tmp_path / "small.py").write_text("1234")
    assert examination.first_damaged(distribution) == "small.py"


def test_what_cannot_be_examined_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "examine_gdb", lambda: 1 // 0)
    (finding,) = [finding for finding in examination.examine() if finding.subject == "gdb"]
    assert finding.complaint.startswith("cannot be examined: ZeroDivisionError")


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["typer", "rich", "packaging", "elftools"])
def test_it_starts_in_a_damaged_environment(tmp_path: Path, broken: str) -> None:
    (tmp_path / f"{broken}.py").write_text("")  # it hides the package, as if all in it were lost
    command = [sys.executable, "-c", "from pith.cli.main import main; main()", "doctor"]
    ended = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert ended.stderr == ""
    for subject in ("Python", "llvmlite", "ziglang", "QEMU", "cache"):
        assert f" {subject} " in ended.stdout


def test_a_damaged_package_is_named_by_other_commands(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("")
    command = [sys.executable, "-c", "from pith.cli.main import main; main()", "boot"]
    ended = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "pith: the Python package `typer` is damaged: module 'typer' has no attribute"
    )
    assert ended.stderr.endswith("  try: make set-up\n")


def test_where_a_file_of_a_package_is_no_python() -> None:
    installed = Path(sysconfig.get_path("purelib"))
    broken = SyntaxError("invalid syntax", (str(installed / "rich" / "text.py"), 1, 1, "", 1, 1))
    assert damaged_package(broken) == "rich"
    assert (
        damaged_package(SyntaxError("invalid syntax", (str(installed.parent / "ast.py"), 1, 1, "", 1, 1)))
        is None
    )
    assert damaged_package(ImportError("no name", name="elftools.elf")) == "elftools"
    assert damaged_package(ImportError("no name", name="pith.kernel")) is None
    assert damaged_package(AttributeError("no attribute", obj=sysconfig)) is None
