"""pdb in the kernel: stop where the hosted machine's kernel begins to handle a chosen system call.

The kernel is Python, so the debugger is Python's own. Each kernel entry that was asked for runs under it; the debugger shows
itself when the kernel reaches the function that handles what happened, with the calling thread in hand.
"""

from __future__ import annotations

import bdb
import pdb
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import CodeType, FrameType
from typing import Any, Final

from pith.abi.syscalls import SystemCall

from .calls import numbers_of_calls
from .hosted import HostedMachine

ANY: Final = "any"
FAULT: Final = "fault"
ECALL: Final = 8
INTERRUPT: Final = 1 << 63
QUICK_CALLS: Final = (
    SystemCall.CALL,
    SystemCall.REPLY_RECV,
    SystemCall.SEND,
    SystemCall.WAIT,
)  # for the fast path
A7: Final = 16  # word of a context
HELP: Final = "(pith) `thread` is the caller; n steps, s steps into, c goes on, q leaves the machine"


class KernelDebugger(pdb.Pdb):
    """Stays out of sight until `arrival`, the code of a function, is entered."""

    def __init__(self, arrival: set[CodeType], lend: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(nosigint=True)
        self.prompt = "(pith) "
        self.arrival = arrival
        self.lend = lend
        self.arrived = False
        self.greeted = False

    def stop_here(self, frame: FrameType) -> bool:
        if not self.arrived and frame.f_code in self.arrival:
            self.arrived = True
            self.set_step()
        return self.arrived and super().stop_here(frame)

    def user_call(self, frame: FrameType, argument_list: Any) -> None:
        """The call itself is no place to stop: the function's first line is."""

    def interaction(self, *arguments: Any, **keywords: Any) -> None:
        with self.lend():
            if not self.greeted:
                self.greeted = True
                self.message(HELP)
            super().interaction(*arguments, **keywords)

    def run_entry(self, entry: Callable[[int, int], int], cause: int, value: int) -> int:
        """One kernel entry, under the debugger. Raises bdb.BdbQuit when told to quit."""
        self.arrived = False
        context = self.runcall(entry, cause, value)
        if context is None:  # `runcall` keeps a quit to itself, and the entry was left half done
            raise bdb.BdbQuit
        return context


def attach(machine: HostedMachine, call: str, lend: Callable[[], AbstractContextManager[None]]) -> None:
    """Stop at each system call of that name (or `fault`); with `any`, at the first of any. `lend` gives the terminal."""
    from pith.kernel import fastpath, fault, syscall

    wanted = numbers_of_calls().get(call)
    is_quick = wanted in QUICK_CALLS
    arrival = fault.handle if call == FAULT else fastpath.take if is_quick else syscall.handle
    debugger = KernelDebugger({arrival.__code__}, lend)
    plain = machine.enter

    def enter(cause: int, value: int) -> int:
        if call == FAULT:
            is_wanted = cause != ECALL and not cause & INTERRUPT
        else:
            is_wanted = cause == ECALL and (wanted is None or machine.register(A7) == wanted % (1 << 64))
        if not is_wanted:
            return plain(cause, value)
        if wanted is None and call != FAULT:
            machine.enter = plain
        return debugger.run_entry(plain, cause, value)

    machine.enter = enter
