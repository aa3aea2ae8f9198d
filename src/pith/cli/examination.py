"""What is installed, what is missing, and what to type: `pith doctor` looks through this.

A list of examinations, each of which returns one or more findings. A finding without a complaint is good; one
with a complaint that is not required leaves something out, and says what.

Nothing here needs a package: an environment in which typer or rich is broken is what a doctor is for. What an examination
cannot import is its finding.
"""

import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from pith import UserError, __version__, cache_directory
from pith.cli.host import find_qemu, output_of

DISTRIBUTION = "pith-os"
SET_UP = "make set-up"
SET_UP_ANEW = "make clean set-up"
OLDEST_PYTHON = (3, 11)


class Finding(NamedTuple):
    subject: str
    found: str
    complaint: str = ""
    remedy: str = ""
    required: bool = True


def examine() -> Iterator[Finding]:
    for subject, examination in EXAMINATIONS.items():
        try:
            yield from examination()
        except Exception as error:
            yield Finding(subject, "", f"cannot be examined: {type(error).__name__}: {error}", SET_UP)


def report_plainly() -> None:
    """Print what is found, with nothing but Python. Raises SystemExit, with status 1 if something required is missing."""
    findings = list(examine())
    for finding in findings:
        mark = "missing" if finding.required else "absent "
        print(
            f"{mark if finding.complaint else 'ok     '} {finding.subject:<14} {finding.complaint or finding.found}"
        )
        if finding.complaint:
            print(f"{'':23}try: {finding.remedy}")
    missing = [finding for finding in findings if finding.complaint and finding.required]
    print("\nthe environment of `pith` itself is damaged, so only Python says this; try: make set-up")
    raise SystemExit(1 if missing else 0)


def examine_python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding("Python", f"{found}, pith {__version__}")
    return Finding(
        "Python", found, f"{found} is too old: Pith needs 3.11 or later", "make PYTHON=python3.12 boot"
    )


def examine_packages() -> Iterator[Finding]:
    """Each package that the distribution itself says it needs, with the range that it says."""
    try:
        requirements = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding(DISTRIBUTION, "", "Pith runs from a directory, and is not installed", SET_UP)
        return
    for requirement in requirements:
        if "extra ==" not in requirement:
            yield examine_package(requirement)


def examine_package(requirement: str) -> Finding:
    """Whether a package is there, in a version that fits, and whole; `requirement` as in `typer<1,>=0.15`."""
    written = re.fullmatch(r"([\w.-]+)\s*([^;]*?)\s*(;.*)?", requirement)
    assert written is not None  # the build wrote it, from pyproject.toml
    name, allowed = written[1], f"(needs {written[2]})"
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "", f"not installed {allowed}", SET_UP)
    damaged = first_damaged(distribution)
    if damaged:
        return Finding(name, "", f"its file {damaged} is missing or cut short", SET_UP)
    version = distribution.version
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return Finding(name, f"{version} {allowed}, which cannot be compared without the package `packaging`")
    if version not in SpecifierSet(written[2]):
        return Finding(name, version, f"{version} does not fit {allowed}", SET_UP)
    return Finding(name, f"{version} {allowed}")


def first_damaged(distribution: importlib.metadata.Distribution) -> str:
    """A file of the package that is not what was installed; empty if there is none."""
    for file in distribution.files or ():
        try:
            if file.size is not None and os.stat(str(file.locate())).st_size != file.size:
                return str(file)
        except OSError:
            return str(file)
    return ""


def examine_llvm() -> Finding:
    """llvmlite writes what zig's clang reads: they have to be of one LLVM."""
    if not output_of(sys.executable, "-m", "ziglang", "version"):
        return Finding("LLVM", "", "`python -m ziglang version` does not run", SET_UP_ANEW)
    from pith.metal.compiler import zig

    with tempfile.TemporaryDirectory(prefix="pith-doctor-") as directory:
        clang = re.search(r"clang version (\d+)", zig.run("cc", "--version", directory=Path(directory)))
    try:
        from llvmlite.binding import llvm_version_info
    except (ImportError, OSError) as error:
        return Finding("LLVM", "", f"llvmlite does not load: {error}", SET_UP_ANEW)
    ours, theirs = str(llvm_version_info[0]), clang[1] if clang else "unknown"
    if ours != theirs:
        complaint = f"llvmlite is LLVM {ours}, zig's clang is {theirs}: they must match"
        return Finding("LLVM", "", complaint, SET_UP_ANEW)
    return Finding("LLVM", f"{ours}, the same in llvmlite and in zig's clang")


def examine_unicorn() -> Finding:
    try:
        from unicorn.unicorn import Uc
        from unicorn.unicorn_const import UC_ARCH_RISCV, UC_MODE_RISCV64

        Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)  # type: ignore[no-untyped-call]
    except Exception as error:  # a library that does not load, or one that knows no riscv64: the same remedy
        return Finding("CPU emulator", "", f"unicorn has no riscv64: {error}", SET_UP_ANEW)
    return Finding("CPU emulator", "unicorn starts a riscv64")


def examine_qemu() -> Finding:
    qemu = find_qemu()
    if qemu.complaint:
        complaint = f"{qemu.complaint}; Pith boots on its hosted machine"
        return Finding("QEMU", qemu.description, complaint, qemu.remedy, required=False)
    return Finding("QEMU", f"{qemu.description}, machine virt")


def examine_gdb() -> Finding:
    path = shutil.which("gdb-multiarch") or shutil.which("riscv64-unknown-elf-gdb")
    if path is None:
        complaint = "no gdb that knows riscv64; only `pith boot --gdb` wants one"
        return Finding("gdb", "", complaint, "apt-get install gdb-multiarch", required=False)
    return Finding("gdb", path)


def examine_cache() -> Finding:
    """Compiled modules are kept between runs; without a place for them every start compiles anew."""
    try:
        directory = cache_directory()
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return Finding("cache", str(directory))
    except UserError as error:
        return Finding("cache", "", error.message, error.remedy)
    except OSError as error:
        complaint = f"{directory} cannot be written: {error.strerror}; every start compiles anew"
        remedy = "name another place: export PITH_CACHE=/a/directory"
        return Finding("cache", "", complaint, remedy, required=False)


EXAMINATIONS: Final[dict[str, Callable[[], Iterator[Finding]]]] = {
    "Python": lambda: iter([examine_python()]),
    "packages": examine_packages,
    "LLVM": lambda: iter([examine_llvm()]),
    "CPU emulator": lambda: iter([examine_unicorn()]),
    "QEMU": lambda: iter([examine_qemu()]),
    "gdb": lambda: iter([examine_gdb()]),
    "cache": lambda: iter([examine_cache()]),
}
