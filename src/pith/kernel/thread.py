"""Threads: stopped, started, given priorities.

Manual: chapter "Threads and Execution". What invocations of a thread capability check stands in
thread_invocation.py; here is what they, and the end of a thread, do.
"""

from __future__ import annotations

from pith.metal import u8

from . import binding, blocking, endpoint, scheduler
from .objects import Register, Thread, ThreadState
from .state import kernel


def suspend(thread: Thread) -> None:
    """Stop the thread, whatever it does; `restart` goes on where it stood."""
    scheduler.disown_cancellation(thread)
    blocking.cancel(thread)
    if thread.state is ThreadState.RUNNING:
        thread.registers[Register.FAULT_PC] = thread.registers[Register.NEXT_PC]
    thread.state = ThreadState.INACTIVE
    scheduler.dequeue(thread)
    binding.cancel_yield(thread)


def restart(thread: Thread) -> None:
    """Let a stopped thread run, a blocked one making its system call again; nothing if it can run already."""
    if scheduler.is_blocked(thread) or thread.state is ThreadState.INACTIVE:
        blocking.cancel(thread)
        blocking.retry(thread)


def activate(thread: Thread) -> None:
    """Make the thread that gets the processor ready to resume at NEXT_PC."""
    if thread.state is ThreadState.RESTART:
        thread.registers[Register.NEXT_PC] = thread.registers[Register.FAULT_PC]
        thread.state = ThreadState.RUNNING
    elif thread.yielding_to is not None:
        binding.finish_yield(thread.yielding_to)


def set_priority(thread: Thread, priority: u8) -> None:
    """Change the priority, and with it the place in whichever queue the thread stands."""
    if thread.is_ready:
        scheduler.dequeue(thread)
        thread.priority = priority
        scheduler.enqueue_front(thread)
        scheduler.reschedule()
        return
    if thread.wait_endpoint is not None or thread.wait_notification is not None:
        blocking.change_priority(thread, priority)
        endpoint.end_if_cancelled(thread)
    else:
        thread.priority = priority
    if thread is kernel.current or thread is kernel.next_thread:
        scheduler.reschedule()


def set_domain(thread: Thread, domain: u8) -> None:
    """Move the thread to another domain, where it competes if it can run.

    The current thread is in no queue, and stays so: it may yet have to wait in this very system call.
    """
    was_competing = thread.is_ready or thread is kernel.next_thread
    if was_competing:
        scheduler.dequeue(thread)
    thread.domain = domain
    if was_competing:
        scheduler.enqueue_front(thread)
    scheduler.reschedule()
