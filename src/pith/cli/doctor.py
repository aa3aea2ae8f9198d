"""`pith doctor`: what is installed, what is missing, and what to type.

A list of examinations, each of which returns one or more findings. A finding without a complaint is good; one
with a complaint that is not required leaves something out, and says what.
"""

import importlib.metadata
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

import typer
from packaging.requirements import Requirement
from rich.console import Console
from rich.markup import escape

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


def doctor() -> None:
    """Say what is installed, what is missing, and what to type.

    Exit code 1 when something is missing that Pith cannot do without.
    """
    console = Console(highlight=False, soft_wrap=True)
    findings = list(examine())
    for finding in findings:
        console.print(line_about(finding))
    missing = [finding for finding in findings if finding.complaint and finding.required]
    if missing:
        console.print(f"\n{len(missing)} required: see what to type above")
        raise typer.Exit(1)
    console.print("\nall that Pith needs is here: [bold]pith boot[/bold]")


def line_about(finding: Finding) -> str:
    if not finding.complaint:
        return f"[green]ok     [/green] {finding.subject:<14} {escape(finding.found)}"
    mark = "[red]missing[/red]" if finding.required else "[yellow]absent [/yellow]"
    return f"{mark} {finding.subject:<14} {escape(finding.complaint)}\n{'':23}try: {escape(finding.remedy)}"


def examine() -> Iterator[Finding]:
    yield examine_python()
    yield from examine_packages()
    yield examine_llvm()
    yield examine_unicorn()
    yield examine_qemu()
    yield examine_gdb()
    yield examine_cache()


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
    for requirement in map(Requirement, requirements):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield examine_package(requirement)


def examine_package(requirement: Requirement) -> Finding:
    allowed = f"(needs {requirement.specifier})"
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(requirement.name, "", f"not installed {allowed}", SET_UP)
    if version not in requirement.specifier:
        return Finding(requirement.name, version, f"{version} does not fit {allowed}", SET_UP)
    return Finding(requirement.name, f"{version} {allowed}")


def examine_llvm() -> Finding:
    """llvmlite writes what zig's clang reads: they have to be of one LLVM."""
    if not output_of(sys.executable, "-m", "ziglang", "version"):
        return Finding("LLVM", "", "`python -m ziglang version` does not run", SET_UP_ANEW)
    clang = re.search(r"clang version (\d+)", output_of(sys.executable, "-m", "ziglang", "cc", "--version"))
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
