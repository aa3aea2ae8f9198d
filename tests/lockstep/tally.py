"""What runs reach: invocations with what came of each, and the rarer things that happen on the way.

Python's kernel is asked itself: while a tally is `counting`, some of the kernel's functions are wrapped, after compiled kernels
were made of what they were. So a table of the runs can be printed, and what the grammar never reaches is seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from pith.abi.errors import ErrorCode
from pith.abi.labels import Label
from pith.abi.syscalls import SystemCall
from pith.kernel import (
    binding,
    fastpath,
    fault,
    fault_message,
    interrupt,
    message,
    scheduler,
    syscall,
    timeslice,
)
from pith.kernel.errors import Preempted
from pith.kernel.objects import Register, Thread
from pith.kernel.riscv64 import fpu

PREEMPTED: Final = "PREEMPTED"
OUTCOMES: Final = (*(code.name for code in ErrorCode), PREEMPTED)
NAMES: Final = {int(label): label.name for label in Label}
INVALID: Final = "no label at all"


def _fault_told(was_told: bool, thread: Thread, *_: object) -> str:
    return f"fault {thread.fault_kind.name}, {'told' if was_told else 'with no handler'}"


def _fast(following: Thread | None, thread: Thread) -> str | None:
    """The caller's registers are as they were, but for the address of the next instruction."""
    if following is None:
        return None
    return f"fast path, {SystemCall(thread.registers[Register.A7] - (1 << 64)).name}"


# What to call it that a function did something, from its result and arguments; None if it did not.
Name = Callable[..., str | None]
EVENTS: Final[tuple[tuple[ModuleType, str, Name], ...]] = (
    (fastpath, "take", _fast),
    (fault, "_send", _fault_told),
    (
        fault_message,
        "apply_reply",
        lambda resumes, *_: f"fault answered, {'resumed' if resumes else 'stopped'}",
    ),
    (message, "_receive", lambda done, *_: f"capability {'received' if done else 'not received'}"),
    (message, "_transfer_capabilities", lambda counts, *_: "badge unwrapped" if counts[1] else None),
    (interrupt, "handle", lambda *_: "device interrupt"),
    (fpu, "take", lambda taken, *_: "floating point given" if taken else None),
    (scheduler, "begin_domain", lambda *_: "domain begun"),
    (scheduler, "postpone", lambda *_: "thread postponed"),
    (timeslice, "end", lambda *_: "slice ended"),
    (binding, "finish_yield", lambda *_: "yield finished"),
    (binding, "cancel_yield", lambda *_: "yield cancelled"),
    (binding, "lend", lambda *_: "time lent by a notification"),
)


class Tally:
    """How often each invocation had each outcome, by their names, and how often each event came."""

    def __init__(self) -> None:
        self.invocations: Counter[tuple[str, str]] = Counter()
        self.events: Counter[str] = Counter()

    def add(self, other: Tally) -> None:
        """Count what the other counted as well."""
        self.invocations += other.invocations
        self.events += other.events

    @contextmanager
    def counting(self) -> Iterator[None]:
        """A time in which Python's kernel is watched."""
        wrapped = [(module, name, self._event(vars(module)[name], label)) for module, name, label in EVENTS]
        wrapped.append((syscall, "_attempt", self._invocation(syscall._attempt)))
        before = [(module, name, vars(module)[name]) for module, name, _ in wrapped]
        for module, name, function in wrapped:
            vars(module)[name] = function
        try:
            yield
        finally:
            for module, name, function in before:
                vars(module)[name] = function

    def _event(self, honest: Callable[..., Any], label: Name) -> Callable[..., Any]:
        def watched(*arguments: Any, **keywords: Any) -> Any:
            result = honest(*arguments, **keywords)
            event = label(result, *arguments, *keywords.values())
            if event is not None:
                self.events[event] += 1
            return result

        return watched

    def _invocation(self, honest: Callable[..., Any]) -> Callable[..., Any]:
        def attempt(cap: Any, call: Any) -> Any:
            name = NAMES.get(call.label, INVALID)
            try:
                info = honest(cap, call)
            except Preempted:
                self.invocations[name, PREEMPTED] += 1
                raise
            self.invocations[name, ErrorCode(info.label).name] += 1
            return info

        return attempt

    def __str__(self) -> str:
        """A line for each invocation with its outcomes, most frequent first; then the events."""
        lines = []
        for label in (*NAMES.values(), INVALID):
            outcomes = {outcome: self.invocations[label, outcome] for outcome in OUTCOMES}
            shown = [f"{outcome} {n}" for outcome, n in sorted(outcomes.items(), key=lambda o: -o[1]) if n]
            lines.append(f"{label:30} {', '.join(shown) or 'never'}")
        lines += [f"{event:30} {number}" for event, number in sorted(self.events.items())]
        return "\n".join(lines)
