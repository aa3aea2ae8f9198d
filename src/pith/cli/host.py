"""What this computer offers Pith: the tools outside Python, and whether they are new enough.

`boot` asks in order to choose a machine, `doctor` in order to report.
"""

import re
import shutil
import subprocess
from typing import NamedTuple

QEMU = "qemu-system-riscv64"
OLDEST_QEMU = (7, 2)
INSTALL_QEMU = "apt-get install qemu-system-misc (Debian, Ubuntu), brew install qemu (macOS)"


class Tool(NamedTuple):
    """A program that was looked for: `complaint` is empty when it is there and good enough."""

    description: str
    complaint: str = ""
    remedy: str = ""


def find_qemu() -> Tool:
    """QEMU for riscv64, at least of the version that Pith is tested with, and with the board that Pith drives."""
    path = shutil.which(QEMU)
    if path is None:
        return Tool(QEMU, f"{QEMU} is not on PATH", INSTALL_QEMU)
    output = output_of(path, "--version")
    match = re.search(r"version (\d+)\.(\d+)", output)
    if not match:
        return Tool(path, f"{path} does not say its version", INSTALL_QEMU)
    version = f"{match[1]}.{match[2]}"
    oldest = ".".join(map(str, OLDEST_QEMU))
    if (int(match[1]), int(match[2])) < OLDEST_QEMU:
        complaint = f"QEMU {version} is too old: Pith needs {oldest} or later"
        return Tool(version, complaint, f"install a newer QEMU and put its {QEMU} first on PATH")
    if not re.search(r"^virt\s", output_of(path, "-machine", "help"), re.MULTILINE):
        return Tool(version, f"QEMU {version} has no machine `virt`", INSTALL_QEMU)
    return Tool(version)


def output_of(*command: str) -> str:
    """What a command prints; nothing when it does not run or does not end."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
