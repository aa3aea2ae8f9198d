"""The program qemu-system-riscv64: is it there, is it new enough, has it the board, and which processor it is to be."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from typing import Final, NamedTuple

QEMU: Final = "qemu-system-riscv64"
OLDEST: Final = (7, 2)
PROCESSOR: Final = "rv64"  # as -cpu names it: an rv64imafdc with whatever else that QEMU has learnt
# What it has learnt and switches on: instructions that the hosted machine's processor does not have, and the hypervisor's mode.
BEYOND: Final = ("zba", "zbb", "zbc", "zbs", "zawrs", "zfa", "h")
INSTALL: Final = "apt-get install qemu-system-misc (Debian, Ubuntu), brew install qemu (macOS)"


class Program(NamedTuple):
    """A program that was looked for: `complaint` is empty when it is there and good enough."""

    path: str
    version: str = ""
    complaint: str = ""
    remedy: str = ""


def find() -> Program:
    """QEMU for riscv64, at least of the version that Pith is tested with, and with the board that Pith drives."""
    path = shutil.which(QEMU)
    if path is None:
        return Program(QEMU, "", f"{QEMU} is not on PATH", INSTALL)
    output = output_of(path, "--version")
    match = re.search(r"version (\d+)\.(\d+)", output)
    if not match:
        return Program(path, "", f"{path} does not say its version", INSTALL)
    version = f"{match[1]}.{match[2]}"
    oldest = ".".join(map(str, OLDEST))
    if (int(match[1]), int(match[2])) < OLDEST:
        complaint = f"QEMU {version} is too old: Pith needs {oldest} or later"
        return Program(path, version, complaint, f"install a newer QEMU and put its {QEMU} first on PATH")
    if not re.search(r"^virt\s", output_of(path, "-machine", "help"), re.MULTILINE):
        return Program(path, version, f"QEMU {version} has no machine `virt`", INSTALL)
    return Program(path, version)


def processor(path: str, wanted: str) -> str:
    """What -cpu is given for a processor and options of it: without the extensions that only QEMU has.

    Which of them there are depends on its version, and it refuses to switch off what it does not know. An option that
    `wanted` has comes later, and so decides.
    """
    model, *options = wanted.split(",")
    absent = [f"{name}=off" for name in BEYOND if model == PROCESSOR and name in _properties(path)]
    return ",".join([model, *absent, *options])


@cache
def _properties(path: str) -> frozenset[str]:
    """The options of the processor."""
    listing = output_of(path, "-device", f"{PROCESSOR}-riscv-cpu,help")
    return frozenset(re.findall(r"^\s*([\w-]+)=<bool>", listing, re.MULTILINE))


def output_of(*command: str) -> str:
    """What a command prints; nothing when it does not run or does not end."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
