"""The kernel as the hosted machine sees it: three functions, each of which ends with a thread to run.

On the metal these are what `pith.kernel.riscv64.entry` calls. The machine takes the kernel as a parameter, so that its own
tests can put a kernel of ten lines in this one's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .image import Table

if TYPE_CHECKING:
    from pith.kernel.objects import Thread


class Kernel(Protocol):
    """A kernel that runs as Python. Each function returns the address of the context to load.

    A context is x1..x31, NEXT_PC and FAULT_PC; at a trap the machine has set both to the program counter. A kernel that
    finds nothing to run calls `wait_for_interrupt`. If the machine's run ends in there, the exception `Paused`
    passes through the kernel, and the next run begins with `resume`.
    """

    def start(self, table: Table, tree_size: int) -> int:
        """Boot, with what the loader hands over."""

    def handle_trap(self, cause: int, value: int) -> int:
        """One kernel entry, with what scause and stval hold; stval is also in the processor."""

    def resume(self) -> int:
        """Decide who runs."""


class Paused(BaseException):
    """The machine's run ended while the kernel waited for an interrupt. No kernel catches it."""


class PithKernel:
    """Pith's kernel. Importing it makes its statics, so it must be there before the machine's memory is attached."""

    def __init__(self) -> None:
        from pith.kernel import boot, resume
        from pith.kernel.riscv64 import trap
        from pith.kernel.state import kernel
        from pith.verify.watch import watched

        self._state = kernel
        self._start = boot.start
        self._resume = resume.begin
        self._handle_trap = watched(trap.handle_trap)  # itself, unless PITH_CHECK_INVARIANTS is set

    def start(self, table: Table, tree_size: int) -> int:
        user = (table.user_start, table.user_end, table.user_offset, table.user_entry)
        self._start(*user, table.tree, tree_size)
        return self.resume()

    def handle_trap(self, cause: int, value: int) -> int:
        return registers_of(self._handle_trap(cause))

    def resume(self) -> int:
        return registers_of(self._resume())

    def state_address(self) -> int:
        """Where what it remembers lies, in the window of physical memory."""
        return self._state.address


def registers_of(thread: Thread) -> int:
    return thread.registers.address
