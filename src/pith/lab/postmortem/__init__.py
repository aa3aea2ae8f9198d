"""Why a machine stands still, in words: read from its memory, its registers and the programs' debug information.

    memory       the kernel's threads and a program's memory, through a machine's `read_memory`
    programs     which ELF runs in an address space
    backtrace    from a program counter to functions, lines, and who called them
    fault        what a thread did that it may not
    report       the whole of it, as the end of a sentence

It works alike on both machines, whether the kernel is Python or compiled, and with release kernels, which print nothing.
"""

from .report import Stood, stands_at_faults, where

__all__ = ["Stood", "stands_at_faults", "where"]
