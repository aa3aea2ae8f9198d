"""What this computer offers Pith: the tools outside Python, and whether they are new enough.

`boot` asks in order to choose a machine, `doctor` in order to report.
"""

from typing import NamedTuple

from pith.machine import qemu_program
from pith.machine.qemu_program import output_of

__all__ = ["Tool", "find_qemu", "output_of"]


class Tool(NamedTuple):
    """A program that was looked for: `complaint` is empty when it is there and good enough."""

    description: str
    complaint: str = ""
    remedy: str = ""


def find_qemu() -> Tool:
    """QEMU for riscv64, at least of the version that Pith is tested with, and with the board that Pith drives."""
    found = qemu_program.find()
    return Tool(found.version or found.path, found.complaint, found.remedy)
