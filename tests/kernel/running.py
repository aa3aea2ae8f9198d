"""A kernel that is up: a clock, an idle thread, one domain, and threads with scheduling contexts.

    system = Running(world)
    thread = system.thread(priority=10)         # round robin, 5 ms
    system.run()                                # what the kernel's exit does; the current thread
    system.elapse(1000)                         # µs pass, charged to the current thread

Times are microseconds; the clock ticks at 10 MHz. Whatever is made has a capability in the root CNode, and what `give` gives is a copy
of it, so that all invariants hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pith.abi.messages import MessageInfo
from pith.kernel import binding, budget, cspace, scheduler, syscall
from pith.kernel.objects import (
    MIN_REFILLS,
    ASIDPool,
    ASIDPoolCap,
    Cap,
    Endpoint,
    EndpointCap,
    Notification,
    NotificationCap,
    NullCap,
    PageTable,
    Register,
    Reply,
    ReplyCap,
    SchedContext,
    SchedContextCap,
    Slot,
    Thread,
    ThreadCap,
    ThreadState,
)
from pith.kernel.riscv64 import timer, vspace
from pith.kernel.riscv64.csr import INTERRUPT, SUPERVISOR_TIMER, Cause
from pith.kernel.riscv64.trap import handle_trap
from pith.kernel.state import kernel
from pith.metal import Struct
from pith.verify.census import designated

from .conftest import World

HZ = 10_000_000
SLICE = 5000
PC = 0x1_0000  # where threads trap


class Running:
    """A world in which threads run."""

    owns_all = True  # the root CNode gets a capability to every object that is made

    def __init__(self, world: World) -> None:
        self.world = world
        self.naps = 0
        world.processor.csrs["time"] = 1_000_000
        setattr(world.processor, "wait_for_interrupt", self._sleep)
        timer.initialise(HZ)
        self.owned: dict[int, Slot] = {}
        kernel.kernel_root = world.make(PageTable)
        vspace.begin_epoch()
        kernel.idle = world.thread()
        kernel.idle.state = ThreadState.IDLE
        if self.owns_all:
            kernel.root = world.cnode(10)
            self.owned[kernel.root.cnode.address] = world.put(kernel.root.cnode, kernel.root)
            setattr(world, "owns", self.own)
        kernel.current = kernel.idle
        kernel.domain_schedule[0].duration = (1 << 56) - 1
        scheduler.begin_domain(0)

    def own(self, made: Struct) -> None:
        """Keep the capability to a new object in the root CNode."""
        caps: dict[type[Struct], Callable[[Any], Cap]] = {
            Endpoint: full_endpoint_cap,
            Notification: lambda it: NotificationCap(True, True, it, 0),
            Reply: reply_cap,
            SchedContext: lambda it: SchedContextCap(8, it),
            Thread: ThreadCap,
            ASIDPool: lambda it: ASIDPoolCap(0, it),
        }
        if type(made) in caps:
            slot = self.world.slot_of(kernel.root, len(self.owned))
            self.owned[made.address] = self.world.put(slot, caps[type(made)](made))

    # Making -----------------------------------------------------------------------------------------------

    def context(
        self,
        amount: int = SLICE,
        period: int | None = None,
        refills: int = MIN_REFILLS,
        sporadic: bool = False,
        badge: int = 0,
    ) -> SchedContext:
        """A configured scheduling context of 256 bytes; without a period, round robin."""
        context = self.world.make(SchedContext, 256)
        context.sporadic = sporadic
        context.badge = badge
        ticks = timer.to_ticks(amount)
        budget.renew(context, ticks, timer.to_ticks(period) if period else ticks, refills)
        return context

    def passive(self, priority: int = 10, state: ThreadState = ThreadState.RUNNING) -> Thread:
        """A thread without time."""
        thread = self.world.thread()
        thread.priority = priority
        thread.max_priority = 255
        thread.state = state
        return thread

    def thread(self, priority: int = 10, context: SchedContext | None = None) -> Thread:
        """A thread that can run, and competes."""
        thread = self.passive(priority)
        binding.bind(context or self.context(), thread)
        return thread

    def endpoint(self) -> Endpoint:
        return self.world.make(Endpoint)

    def reply(self) -> Reply:
        return self.world.make(Reply)

    def give(self, thread: Thread, index: int, cap: Cap) -> int:
        """Put a capability into slot `index` of the thread's CSpace; its address."""
        self.place(self.world.root_slot(thread, index), cap)
        return index

    def place(self, slot: Slot, cap: Cap) -> None:
        """Put a capability into a slot, as a copy if the root CNode has the original."""
        designates = designated(cap)
        original = None if designates is None else self.owned.get(designates.address)
        if not isinstance(slot.cap, NullCap):
            cspace.remove(slot)
        if original is None:
            self.world.put(slot, cap)
        else:
            cspace.insert(cap, original, slot)

    # Running ----------------------------------------------------------------------------------------------

    def run(self) -> Thread:
        """What the kernel's exit decides."""
        scheduler.schedule()
        assert kernel.current is not None
        return kernel.current

    def make_current(self, thread: Thread) -> Thread:
        """Let the thread run now, though others may be as good."""
        scheduler.dequeue(thread)
        scheduler.enqueue_front(thread)
        scheduler.reschedule()
        assert self.run() is thread
        return thread

    def trap(self, cause: int, value: int = 0) -> Thread:
        """The current thread, at PC, traps; the thread that runs next."""
        thread = kernel.current
        assert thread is not None
        thread.registers[Register.FAULT_PC] = thread.registers[Register.NEXT_PC] = PC
        self.world.processor.csrs["stval"] = value
        return handle_trap(cause)

    def system_call(self, number: int, target: int = 0, reply: int = 0, destination: int = 0) -> Thread:
        """The current thread, its message set with `say`, makes a system call; the thread that runs next."""
        self._ask(number, target, reply, destination)
        return self.trap(Cause.USER_CALL)

    def system_call_only(
        self, number: int, target: int = 0, reply: int = 0, destination: int = 0, pc: int = PC
    ) -> None:
        """The same without what follows it: nobody is chosen to run next."""
        thread = self._ask(number, target, reply, destination)
        thread.registers[Register.FAULT_PC] = thread.registers[Register.NEXT_PC] = pc
        syscall.handle(thread)

    def _ask(self, number: int, target: int, reply: int, destination: int) -> Thread:
        thread = kernel.current
        assert thread is not None
        thread.registers[Register.A7] = number % (1 << 64)
        thread.registers[Register.A0] = target
        thread.registers[Register.A6] = reply
        thread.registers[Register.T0] = destination
        return thread

    def interrupt(self) -> Thread:
        """The timer interrupts."""
        self.world.processor.csrs["sip"] = SUPERVISOR_TIMER
        after = self.trap(INTERRUPT | 5)
        self.world.processor.csrs["sip"] = 0
        return after

    def elapse(self, microseconds: float) -> None:
        """Time passes, and the kernel notices."""
        self.world.processor.csrs["time"] += int(microseconds * HZ / 1_000_000)
        scheduler.update_time()

    def _sleep(self) -> None:
        """The idle kernel waits until the timer interrupts."""
        self.naps += 1
        assert self.naps < 100, "the kernel idles for ever"
        self.world.processor.csrs["time"] += max(self._deadline_tick - self.world.processor.csrs["time"], 0)

    @property
    def _deadline_tick(self) -> int:
        if kernel.has_sstc:
            return self.world.processor.csrs["stimecmp"]
        calls = [call for call in self.world.processor.sbi_calls if call[0] == timer.SBI_TIMER]
        return calls[-1][2]

    @property
    def deadline(self) -> float:
        """When the timer will interrupt, in µs from now."""
        return (self._deadline_tick - kernel.now) / (HZ / 1_000_000)


def full_endpoint_cap(endpoint: Endpoint, badge: int = 0) -> EndpointCap:
    return EndpointCap(True, True, True, True, endpoint, badge)


def reply_cap(reply: Reply) -> ReplyCap:
    return ReplyCap(True, reply)


def say(thread: Thread, *words: int, label: int = 0, caps: int = 0) -> None:
    """Put a message of up to four words into the thread's registers."""
    thread.registers[Register.A1] = MessageInfo(len(words), caps, 0, label).bits
    for index, word in enumerate(words):
        thread.registers[Register.A2 + index] = word


def heard(thread: Thread) -> tuple[int, int, list[int]]:
    """Badge, label and the register words of the message that the thread received."""
    info = MessageInfo.from_bits(thread.registers[Register.A1])
    words = [thread.registers[Register.A2 + index] for index in range(min(info.length, 4))]
    return thread.registers[Register.A0], info.label, words


def refills(context: SchedContext) -> list[tuple[float, float]]:
    """The refills as (µs from now, µs)."""
    scale = HZ / 1_000_000
    rows = [budget.refill(context, position) for position in range(context.refill_count)]
    return [((row.time - kernel.now) / scale, row.amount / scale) for row in rows]


def ready(priority: int) -> list[Thread]:
    """The ready queue of a priority."""
    found, thread = [], kernel.ready[kernel.current_domain].queues[priority].head
    while thread is not None:
        found.append(thread)
        thread = thread.queue_next
    return found
