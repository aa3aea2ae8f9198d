"""The smallest program: print a line, look at what the kernel gave us, and stop the machine.

    pith run examples/hello.py

It runs as the initial thread: the first program, with every capability there is.
"""

from __future__ import annotations

from pith.abi.bootinfo import BootInfo
from pith.metal import export
from pith.runtime import debug
from pith.runtime.bootinfo import count
from pith.runtime.console import write


@export("pith_main")
def main(info: BootInfo) -> None:
    write("Hello from user mode, in metal Python.\n")
    write(f"My capability space has {1 << (info.root_cnode_size_bits & 63)} slots, ")
    write(f"of which {count(info.empty)} are empty.\n")
    debug.halt()
