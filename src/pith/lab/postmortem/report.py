"""What is told when a machine has come to its end: which threads stand at faults, and where the processor was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pith.lab.bench.symbols import Line
from pith.machine import Machine, board

from .backtrace import PANIC_STOP, Backtrace, Frame, Unwinder
from .fault import deed, overflow, remedy
from .memory import Memory, ThreadView, Unreadable, stands_in_fault, waits_to_tell
from .programs import Programs

PANIC = "pith_panic"  # of a program in metal Python that found itself wrong
TRAP_ENTRY = "pith_trap_entry"  # of the kernel: where the processor goes when a trap comes
MOST_CALLERS = 5


class Stood(NamedTuple):
    """A thread that stands at a fault: what it did, as a sentence without its full stop, and what may help."""

    sentence: str
    remedy: str


def stands_at_faults(machine: Machine, elves: Sequence[Path], *, nothing_runs: bool) -> list[Stood]:
    """The threads that stopped at a fault because they have no handler. `elves` are the programs that may be theirs.

    If nothing runs any more, those whose handler has not heard of the fault belong to them: it never will. Empty if the machine runs another kernel than Pith's, or one whose objects cannot be read. Raises UserError when the machine
    has gone with its memory.
    """
    memory, programs = Memory(machine), Programs(elves)
    try:
        return [
            _stood(thread, memory, programs)
            for thread in (memory.threads() if memory.has_started() else ())
            if stands_in_fault(thread) or (nothing_runs and waits_to_tell(thread))
        ]
    except Unreadable:
        return []


def _stood(thread: ThreadView, memory: Memory, programs: Programs) -> Stood:
    name = thread.name or "a thread"
    general = (0, *thread.registers[:31])
    program = programs.running(memory, thread.root, thread.pc, general)
    if program is None:
        return Stood(f"{name} {deed(thread, memory, None)}, at pc {thread.pc:#x}", remedy(thread, None))
    trace = program.walk(thread.pc, general, lambda address: _word(memory, thread.root, address))
    unheard = ", which its fault handler has not heard of" if waits_to_tell(thread) else ""
    return Stood(f"{name} {_told(thread, memory, program, trace)}{unheard}", remedy(thread, program))


def _told(thread: ThreadView, memory: Memory, program: Unwinder, trace: Backtrace) -> str:
    if program.symbols.function(thread.pc) == PANIC_STOP:  # it has said why, and then stopped itself
        return f"panicked{_in([frame for frame in trace.frames[1:] if frame.function != PANIC])}"
    if overflow(thread, program) is not None and trace.frames:
        depth = f", {_calls(len(trace.frames) - 1)} deep" if trace.is_complete else ""
        return f"{deed(thread, memory, program)} in {trace.frames[0]}{depth}"
    return f"{deed(thread, memory, program)},{_in(trace.frames) or f' at pc {thread.pc:#x}'}"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


def _in(frames: list[Frame]) -> str:
    """The innermost function, and the first few that called it."""
    names = [f"`{frame.function}`" for frame in frames[1 : MOST_CALLERS + 1]]
    return (f" in {frames[0]}" if frames else "") + (
        f", called from {', from '.join(names)}" if names else ""
    )


def _word(memory: Memory, root: int, address: int) -> int | None:
    raw = memory.read_program(root, address, 8)
    return int.from_bytes(raw, "little") if len(raw) == 8 else None


def where(machine: Machine, elves: Sequence[Path], kernel: Path | None) -> str:
    """What the processor was doing, as the end of a sentence; empty if nobody can tell.

    `kernel` is the ELF of a compiled kernel; one that is Python tells its own frames.
    """
    try:
        if machine.stopped_in:
            frames = [Frame(f.name, Line(f.filename, f.lineno or 0)) for f in reversed(machine.stopped_in)]
            return f"in the kernel,{_in(frames).removeprefix(' in')}"
        memory = Memory(machine)
        return _where(machine, memory, elves, kernel) if memory.has_started() else ""
    except Unreadable:
        return ""


def _where(machine: Machine, memory: Memory, elves: Sequence[Path], kernel: Path | None) -> str:
    current, registers = memory.current(), machine.registers()
    if current is None:
        return "while no thread could run"
    if registers is None:  # stopped between the kernel and user code, as where invariants are checked
        return f"while {current.name or 'a thread'} was about to run"
    unwinder = Unwinder(kernel) if kernel and registers.pc >= board.WINDOW_OFFSET else None
    if unwinder and unwinder.symbols.function(registers.pc) == TRAP_ENTRY:  # nothing has been done yet
        registers = registers._replace(pc=registers.trapped_pc)
    elif unwinder:
        trace = unwinder.walk(registers.pc, registers.general, lambda at: _kernel_word(memory, at))
        return f"in the kernel,{_in(trace.frames).removeprefix(' in')}"
    name = current.name or "a thread"
    program = Programs(elves).running(memory, current.root, registers.pc, registers.general)
    if program is None or not program.is_code(registers.pc):
        return f"while {name} was at pc {registers.pc:#x}"
    return f"while {name} was in {program.place(registers.pc)[0]}"


def _kernel_word(memory: Memory, address: int) -> int | None:
    """A word on the kernel's stack, which lies in its image, or of an object in the window."""
    physical = address - (board.KERNEL_OFFSET if address >= board.KERNEL_OFFSET else board.WINDOW_OFFSET)
    return memory.word(physical) if memory.contains(physical, 8) else None
