"""Set-up as a whole, in clones of a small project that needs nothing: it completes, fails in words, repairs itself."""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import packages
from environment import Environment
from tests.patience import ENOUGH

TOOL = Path(__file__).parents[2] / "tools" / "set_up"

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "small"
version = "1"
dependencies = []
"""

# A build backend in the clone, so that no test needs the network: it writes a wheel of one module.
BACKEND = """
import os, time, zipfile
from pathlib import Path

def build_editable(directory, config_settings=None, metadata_directory=None):
    time.sleep(float(os.environ.get("SLOW_BUILD", "0")))
    needs = Path(__file__).with_name("needs.txt")
    metadata = "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\nProvides-Extra: dev\\nProvides-Extra: docs\\n"
    metadata += needs.read_text() if needs.exists() else ""
    wheel = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files = {"small.py": "SMALL = True\\n", "small-1.dist-info/METADATA": metadata, "small-1.dist-info/WHEEL": wheel}
    record = "".join(f"{name},,\\n" for name in [*files, "small-1.dist-info/RECORD"])
    with zipfile.ZipFile(Path(directory, "small-1-py3-none-any.whl"), "w") as archive:
        for name, text in {**files, "small-1.dist-info/RECORD": record}.items():
            archive.writestr(name, text)
    return "small-1-py3-none-any.whl"

build_wheel = build_editable
"""


class Clone:
    """A clone of the small project, and what set-up says in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.python = self.venv / "bin" / "python"
        shutil.copytree(TOOL, root / "tools" / "set_up", ignore=shutil.ignore_patterns("__pycache__"))
        (root / "pyproject.toml").write_text(PROJECT)
        (root / "backend.py").write_text(BACKEND)
        tools = root / "path"
        tools.mkdir()
        qemu = tools / "qemu-system-riscv64"
        qemu.write_text("#!/bin/sh\necho QEMU emulator version 8.2.1\n")
        qemu.chmod(0o755)
        # No apt-get on this path: a test must not install anything into the system.
        self.environment = {"PATH": str(tools), "HOME": str(root), "PIP_CONFIG_FILE": os.devnull}

    def start(
        self, *arguments: str, preexec: Callable[[], None] | None = None, **environment: str
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(self.root / "tools" / "set_up"), *arguments],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=preexec,
        )

    def set_up(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=ENOUGH)
        assert "Traceback" not in out + err
        return process.returncode, out, err

    def is_sound(self) -> bool:
        """Whether set-up calls itself complete, and what it installed works."""
        statement = "import small, pip._internal.cli.main; assert small.SMALL"
        works = subprocess.run([self.python, "-I", "-c", statement]).returncode == 0
        return works and (self.venv / "set-up-complete.json").exists() and self.set_up() == (0, "", "")

    def site_packages(self) -> Path:
        return next(self.venv.glob("lib/python*/site-packages"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """One finished clone for the tests that only look; the others copy it, as it takes seconds to make."""
    clone = Clone(tmp_path_factory.mktemp("finished"))
    code, out, err = clone.set_up()
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if line.startswith("[")] == [
        f"[1/4] Python {'.'.join(map(str, sys.version_info[:3]))}",
        f"[2/4] virtual environment: {clone.venv}",
        "[3/4] packages: dev (the first time, some 150 MB to download)",
        "[4/4] QEMU, the emulator that the compiled kernel boots in",
    ]
    return clone


@pytest.fixture
def damaged(finished: Clone) -> Iterator[Clone]:
    """A finished clone to be damaged: its environment is put back afterwards (it cannot be moved, paths are in it)."""
    kept = finished.root / "kept"
    shutil.copytree(finished.venv, kept, symlinks=True)
    yield finished
    if finished.venv.is_dir() and not finished.venv.is_symlink():
        shutil.rmtree(finished.venv)
    else:
        finished.venv.unlink(missing_ok=True)
    kept.rename(finished.venv)


pytestmark = pytest.mark.slow


def test_the_second_time_is_quick_and_silent(finished: Clone) -> None:
    assert finished.is_sound()
    start = time.perf_counter()
    assert finished.set_up() == (0, "", "")
    assert time.perf_counter() - start < 5  # a tenth of a second; pip alone would take longer than this


def test_an_extra_is_added_and_stays(damaged: Clone) -> None:
    assert "packages: dev, docs" in damaged.set_up("--with", "docs")[1]
    assert damaged.set_up() == (0, "", "")
    assert json.loads((damaged.venv / "set-up-complete.json").read_text())["extras"] == ["dev", "docs"]


def test_a_changed_project_is_set_up_again(damaged: Clone) -> None:
    project = damaged.root / "pyproject.toml"
    project.write_text(PROJECT + "# changed\n")
    try:
        code, out, _ = damaged.set_up()
        assert (code, "[3/4]" in out) == (0, True)
        assert damaged.is_sound()
    finally:
        project.write_text(PROJECT)


def lose_stamp(clone: Clone) -> None:
    (clone.venv / "set-up-complete.json").unlink()


def cut_stamp_short(clone: Clone) -> None:
    (clone.venv / "set-up-complete.json").write_text('{"recipe": "')


def lose_pip(clone: Clone) -> None:
    lose_stamp(clone)
    shutil.rmtree(clone.site_packages() / "pip")


def lose_record_of_pip(clone: Clone) -> None:
    next(clone.site_packages().glob("pip-*.dist-info/RECORD")).unlink()


def cut_file_of_pip_short(clone: Clone) -> None:
    lose_stamp(clone)
    (clone.site_packages() / "pip" / "_internal" / "cli" / "main.py").write_text("")


def uninstall_by_hand(clone: Clone) -> None:
    shutil.rmtree(clone.site_packages() / "small-1.dist-info")
    (clone.site_packages() / "small.py").unlink()


def leave_what_pip_was_deleting(clone: Clone) -> None:
    lose_stamp(clone)
    (clone.site_packages() / "~mall-1.dist-info").mkdir()


def lose_a_package(clone: Clone) -> None:
    (clone.site_packages() / "small.py").unlink()


def lose_a_folder_of_a_package(clone: Clone) -> None:
    shutil.rmtree(clone.site_packages() / "pip")


def lose_a_command(clone: Clone) -> None:
    (clone.venv / "bin" / "pip").unlink()


def lose_what_makes_it_an_environment(clone: Clone) -> None:
    (clone.venv / "pyvenv.cfg").unlink()


def come_from_elsewhere(clone: Clone) -> None:
    stamp = clone.venv / "set-up-complete.json"
    stamp.write_text(stamp.read_text().replace(str(clone.venv), "/another/clone/.venv"))


def lose_python(clone: Clone) -> None:
    for name in ("python", "python3"):
        (clone.venv / "bin" / name).unlink()
    clone.python.symlink_to("/nowhere/python")


def lose_all_but_the_directory(clone: Clone) -> None:
    shutil.rmtree(clone.venv)
    clone.venv.mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        lose_stamp,
        cut_stamp_short,
        lose_pip,
        lose_record_of_pip,
        cut_file_of_pip_short,
        uninstall_by_hand,
        leave_what_pip_was_deleting,
        lose_a_package,
        lose_a_folder_of_a_package,
        lose_a_command,
        lose_what_makes_it_an_environment,
        come_from_elsewhere,
        lose_python,
        lose_all_but_the_directory,
    ],
)
def test_a_damaged_environment_repairs_itself(damaged: Clone, damage: Callable[[Clone], None]) -> None:
    damage(damaged)
    code, out, err = damaged.set_up()
    assert (code, err) == (0, ""), out
    assert damaged.is_sound()
    assert not list(damaged.site_packages().glob("~*"))
    assert "      set-up is not complete: " in out


def test_a_thorough_look_finds_a_file_that_is_cut_short(damaged: Clone) -> None:
    (damaged.site_packages() / "pip" / "_internal" / "cli" / "main.py").write_text("")
    assert damaged.set_up() == (0, "", "")  # looking at every file takes too long for each time
    code, out, err = damaged.set_up("--thorough")
    assert (code, err) == (0, "") and "set-up is not complete: the package pip is damaged\n" in out
    assert damaged.is_sound()
    assert damaged.set_up("--thorough") == (
        0,
        "set-up is complete: every file of every package is there\n",
        "",
    )


def test_with_another_python_active_nothing_is_made_anew(finished: Clone, tmp_path: Path) -> None:
    other = tmp_path / "python3.13"
    pretend = "import sys; sys.version = '3.13.0'; sys.version_info = (3, 13, 0, 'final', 0); sys.argv = sys.argv[1:]; "
    pretend += "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{pretend}" "$@"\n')
    other.chmod(0o755)
    command = [other, finished.root / "tools" / "set_up"]
    before = (finished.venv / "set-up-complete.json").stat().st_mtime_ns
    ended = subprocess.run(command, env=finished.environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (finished.venv / "set-up-complete.json").stat().st_mtime_ns == before


def test_a_python_that_is_asked_for_is_what_the_environment_has(
    monkeypatch: pytest.MonkeyPatch, finished: Clone
) -> None:
    environment = Environment(finished.root)
    assert packages.unfitness(environment, insist=True) == ""
    monkeypatch.setattr(sys, "version_info", (3, 99))
    assert packages.unfitness(environment, insist=False) == ""
    assert packages.unfitness(environment, insist=True).endswith("and 3.99 is asked for")


def test_ctrl_c_and_then_again(damaged: Clone) -> None:
    lose_stamp(damaged)
    process = damaged.start(SLOW_BUILD="60")
    assert process.stdout
    for line in process.stdout:
        if line.startswith("[3/4]"):
            break
    time.sleep(1)  # into pip
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=ENOUGH)
    assert process.returncode == 130
    assert "set-up was interrupted; run the same command again" in out
    assert "Traceback" not in out + err
    assert damaged.set_up()[0] == 0
    assert damaged.is_sound()


def test_no_network_and_then_again(damaged: Clone) -> None:
    lose_stamp(damaged)
    needs = damaged.root / "needs.txt"
    needs.write_text("Requires-Dist: hypothesis\n")
    code, _, err = damaged.set_up(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_CACHE_DIR="1")
    needs.unlink()
    assert code == 1
    assert err == (
        "set-up failed: no network: the Python package index cannot be reached\n"
        "  try: check the connection (or set HTTPS_PROXY or PIP_INDEX_URL), then run the same command again\n"
    )
    assert damaged.set_up()[0] == 0
    assert damaged.is_sound()


def test_a_file_where_the_environment_should_be(damaged: Clone) -> None:
    shutil.rmtree(damaged.venv)
    damaged.venv.write_text("")
    code, _, err = damaged.set_up()
    assert code == 1
    assert err == (
        f"set-up failed: {damaged.venv} is in the way: it is not a directory\n  try: remove it: rm {damaged.venv}\n"
    )


@pytest.mark.skipif(
    sys.platform != "linux", reason="takes the right to write everywhere from root as Linux does"
)
def test_a_directory_that_cannot_be_written(damaged: Clone) -> None:
    shutil.rmtree(damaged.venv)
    damaged.root.chmod(0o555)
    try:
        process = damaged.start(preexec=obey_permissions)
        _, err = process.communicate(timeout=ENOUGH)
    finally:
        damaged.root.chmod(0o755)
    assert process.returncode == 1
    assert err.startswith("set-up failed: the clone's directory cannot be written\n  try: clone Pith into")


def obey_permissions() -> None:
    """Let root, like everybody else, write only where the mode bits say so: drop CAP_DAC_OVERRIDE for good."""
    pr_capbset_drop, cap_dac_override = 24, 1
    ctypes.CDLL(None).prctl(pr_capbset_drop, cap_dac_override)


def test_a_broken_project_file_shows_the_last_words_of_pip(damaged: Clone) -> None:
    project = damaged.root / "pyproject.toml"
    project.write_text("[project\n")
    try:
        code, _, err = damaged.set_up()
    finally:
        project.write_text(PROJECT)
    assert code == 1
    assert err.startswith("set-up failed: pip could not install the packages; the last words were\n      | ")
    assert err.endswith("  try: if they do not help: rm -rf .venv, then run the same command again\n")


def test_two_at_once_wait_for_each_other(damaged: Clone) -> None:
    lose_stamp(damaged)
    descriptor = os.open(damaged.root, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    process = damaged.start()
    assert process.stdout
    assert process.stdout.readline() == "another set-up of this clone is running: waiting for it\n"
    os.close(descriptor)
    process.communicate(timeout=ENOUGH)
    assert process.returncode == 0
    assert damaged.is_sound()
