"""The kernel as the hosted machine sees it: three things to call and one to ask.

On the metal these are what `pith.kernel.riscv64.entry` jumps to. The machine takes the kernel as a parameter, so that its
own tests can put a kernel of ten lines in this one's place.
"""

from __future__ import annotations

from typing import Protocol

from .image import Table


class Kernel(Protocol):
    """A kernel that runs as Python."""

    def start(self, table: Table, tree_size: int) -> None:
        """Boot, with what the loader hands over."""

    def handle_trap(self, cause: int, value: int) -> None:
        """One kernel entry. FAULT_PC and NEXT_PC of the current context are the program counter."""

    def context(self) -> int | None:
        """The address of the context to resume (x1..x31, NEXT_PC, FAULT_PC); None to wait for an interrupt."""


class PithKernel:
    """Pith's kernel. Importing it places its statics, so it must be made before the machine's memory is attached."""

    def __init__(self) -> None:
        from pith.kernel import boot, state
        from pith.kernel.riscv64 import trap

        self.boot = boot
        self.state = state.kernel
        self.handle_trap = trap.handle_trap

    def start(self, table: Table, tree_size: int) -> None:
        user = (table.user_start, table.user_end, table.user_offset, table.user_entry)
        self.boot.start(*user, table.tree, tree_size, 0, 0)

    def context(self) -> int | None:
        current = self.state.current
        assert current is not None
        return None if current is self.state.idle else current.address
