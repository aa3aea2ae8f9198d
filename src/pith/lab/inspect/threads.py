"""Threads: what each is doing, where, and how urgent it is."""

from __future__ import annotations

from pith.kernel import state
from pith.kernel.objects import FaultKind, Register, Thread, ThreadState
from pith.verify.census import Census
from pith.verify.naming import debug_name, name_of, place, state_name
from pith.verify.queues import waits_at

from .report import Report, Table, readable

COLUMNS = ("thread", "address", "state", "priority", "domain", "pc", "waits for", "runs on")


def report(census: Census) -> Report:
    """One row per thread; the current one is marked."""
    threads = sorted(census.all(Thread), key=lambda thread: thread.address)
    return Report("Threads", [Table(COLUMNS, [row(thread) for thread in threads])])


def row(thread: Thread) -> tuple[str, ...]:
    mark = "▶ " if thread is state.kernel.current else ""
    return (
        mark + readable(short_name, thread),
        place(thread.address),
        readable(doing, thread),
        f"{thread.priority} (≤ {thread.max_priority})",
        str(thread.domain),
        readable(program_counter, thread),
        readable(waiting_for, thread),
        readable(running_on, thread),
    )


def short_name(thread: Thread) -> str:
    """The debug name; `idle` for the idle thread; else the address."""
    if thread is state.kernel.idle:
        return "idle"
    return debug_name(thread) or place(thread.address)


def doing(thread: Thread) -> str:
    words = [state_name(thread.state)]
    if thread is state.kernel.current:
        words.append("current")
    if thread.is_ready:
        words.append("ready")
    if thread.is_postponed:
        words.append("out of budget")
    if thread.fault_kind is not FaultKind.NONE:
        words.append(f"{state_name(thread.fault_kind)} fault at {thread.fault_words[0]:#x}")
    return ", ".join(words)


def program_counter(thread: Thread) -> str:
    """Where the thread goes on: at the instruction that it is to make again, or at the next."""
    again = thread.state is ThreadState.RESTART
    return f"{thread.registers[Register.FAULT_PC if again else Register.NEXT_PC]:#x}"


def waiting_for(thread: Thread) -> str:
    if thread.state is ThreadState.BLOCKED_ON_REPLY:
        return name_of(thread.wait_reply)
    item = waits_at(thread)
    words = name_of(item) if item is not None else ""
    if thread.state is ThreadState.BLOCKED_ON_SEND and thread.wait_badge:
        words += f", with badge {thread.wait_badge:#x}"
    return words


def running_on(thread: Thread) -> str:
    return place(thread.context.address) if thread.context is not None else "no context: passive"
