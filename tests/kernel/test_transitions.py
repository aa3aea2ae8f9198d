"""Every state that a thread can be in meets every operation that may change it.

A row is a state, reached by system calls; a column an operation, done by a thread of higher priority. The cell is how the
thread stands when the kernel has chosen who runs next:

    R  can run, and does or stands in a ready queue       s  waits to send        f  behind it: in a fault
    L  waits in the release queue for its refill          r  waits to receive     -  behind it: without time
    S  stopped                                            w  waits for a signal
    X  gone                                               c  waits for an answer

`!` before it: the operation was refused. After each, all invariants of the kernel hold.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall as Call
from pith.kernel import binding, cspace, notification
from pith.kernel import thread as threads
from pith.kernel.objects import (
    Cap,
    CNodeCap,
    DomainCap,
    FaultKind,
    Notification,
    NotificationCap,
    NullCap,
    Register,
    SchedContextCap,
    Thread,
    ThreadCap,
    ThreadSlot,
    ThreadState,
)
from pith.kernel.riscv64.csr import Cause
from pith.kernel.state import kernel
from pith.verify.check import require_all

from .conftest import World
from .invoking import SELF, THREAD, Invoking
from .running import full_endpoint_cap, reply_cap, say

TARGET, CALLER = THREAD, SELF
EP, REPLY, NOTE, TIME, SPARE, CALLERS_TIME, PARTNER, DOMAINS, ROOT = range(20, 29)  # slots, after Invoking's


class Scene(Invoking):
    """A caller, a target, and a partner for it; all see one CSpace, which has the only capabilities there are."""

    owns_all = False

    def __init__(self, world: World) -> None:
        super().__init__(world)
        kernel.domain_count = 2
        self.target.state = ThreadState.RUNNING
        self.target.priority = 50
        self.partner = self.passive(40, ThreadState.INACTIVE)
        self.time, self.spare = self.context(1000, 10_000), self.context()
        binding.bind(self.time, self.target)
        root = self.caller.slots[ThreadSlot.CSPACE].cap
        assert isinstance(root, CNodeCap) and self.caller.context is not None
        caps: dict[int, Cap] = {
            EP: full_endpoint_cap(self.endpoint()),
            REPLY: reply_cap(self.reply()),
            NOTE: NotificationCap(True, True, world.make(Notification), 1),
            TIME: SchedContextCap(8, self.time),
            SPARE: SchedContextCap(8, self.spare),
            CALLERS_TIME: SchedContextCap(8, self.caller.context),
            PARTNER: ThreadCap(self.partner),
            DOMAINS: DomainCap(),
        }
        for index, cap in caps.items():
            self.give(self.caller, index, cap)
        cspace.insert(root, self.caller.slots[ThreadSlot.CSPACE], world.root_slot(self.caller, ROOT))
        for thread in (self.target, self.partner):
            self.install(thread, ThreadSlot.CSPACE, ROOT)

    def install(self, thread: Thread, which: ThreadSlot, index: int) -> None:
        """Let the thread have a copy of the capability at `index`."""
        source = self.world.root_slot(self.caller, index)
        thread.slots[which].cap = NullCap()
        cspace.insert(source.cap, source, thread.slots[which])

    def let_run(self, thread: Thread) -> None:
        """Make the thread current, though others are better."""
        priority = thread.priority
        threads.set_priority(thread, 255)
        assert self.run() is thread
        threads.set_priority(thread, priority)

    def does(self, thread: Thread, number: Call, target: int, reply: int = 0) -> None:
        """The thread makes a system call; then the caller runs again."""
        if thread.context is None:
            binding.bind(self.spare, thread)
        self.let_run(thread)
        say(thread)
        assert self.system_call(number, target, reply) is self.caller

    def passive_server(self) -> None:
        """The partner waits for messages, without time."""
        self.partner.state = ThreadState.RUNNING
        self.does(self.partner, Call.RECV, EP, REPLY)
        binding.unbind(self.spare)

    def active_server(self) -> None:
        self.passive_server()
        binding.bind(self.spare, self.partner)

    def faults(self, cause: int) -> None:
        self.install(self.target, ThreadSlot.FAULT_HANDLER, EP)
        self.let_run(self.target)
        assert self.trap(cause) is self.caller


# States -----------------------------------------------------------------------------------------------------


def restarted(scene: Scene) -> None:
    """It is to make its last system call again."""
    threads.suspend(scene.target)
    threads.restart(scene.target)


def calls_lending(scene: Scene) -> None:
    """A passive server works for it, on its time."""
    scene.passive_server()
    scene.does(scene.target, Call.CALL, EP)


def calls(scene: Scene) -> None:
    """A server that has time works for it."""
    scene.active_server()
    scene.does(scene.target, Call.CALL, EP)


def fault_taken(scene: Scene) -> None:
    """Its handler, which has time, works on its fault."""
    scene.active_server()
    scene.faults(Cause.LOAD_PAGE_FAULT)


def receives_bound(scene: Scene) -> None:
    """It waits for messages, and for the signals of its notification."""
    note = scene.world.root_slot(scene.caller, NOTE).cap
    assert isinstance(note, NotificationCap)
    notification.bind(note.notification, scene.target)
    scene.does(scene.target, Call.RECV, EP, REPLY)


def no_budget(scene: Scene) -> None:
    """Its budget is used up, its next refill to come."""
    scene.let_run(scene.target)
    scene.elapse(1000)
    assert scene.interrupt() is scene.caller


def yields(scene: Scene) -> None:
    """It waits, ready to run, for the time that its equal uses."""
    scene.partner.state = ThreadState.RUNNING
    scene.partner.priority = 50
    binding.bind(scene.spare, scene.partner)
    scene.target.max_priority = 255
    scene.let_run(scene.target)
    scene.target.registers[Register.A1] = MessageInfo(label=Label.SCHED_CONTEXT_YIELD_TO).bits
    assert scene.system_call(Call.CALL, SPARE) is scene.caller
    assert scene.target.yielding_to is scene.spare


def serves(scene: Scene) -> None:
    """It runs on the time of its caller, the partner."""
    binding.unbind(scene.time)
    scene.target.state = ThreadState.RUNNING
    scene.does(scene.target, Call.RECV, EP, REPLY)
    binding.unbind(scene.spare)
    scene.partner.state = ThreadState.RUNNING
    binding.bind(scene.time, scene.partner)
    scene.does(scene.partner, Call.CALL, EP)
    assert scene.target.context is scene.time and scene.partner.state is ThreadState.BLOCKED_ON_REPLY


def times_out(scene: Scene) -> None:
    scene.install(scene.target, ThreadSlot.TIMEOUT_HANDLER, EP)
    no_budget(scene)


STATES: dict[str, Callable[[Scene], None]] = {
    "ready": lambda s: None,
    "restarted": restarted,
    "stopped": lambda s: threads.suspend(s.target),
    "passive": lambda s: binding.unbind(s.time),
    "no-budget": no_budget,
    "sends": lambda s: s.does(s.target, Call.SEND, EP),
    "receives": lambda s: s.does(s.target, Call.RECV, EP, REPLY),
    "receives-bound": receives_bound,
    "waits": lambda s: s.does(s.target, Call.WAIT, NOTE),
    "calls-lending": calls_lending,
    "calls": calls,
    "fault-queued": lambda s: s.faults(Cause.LOAD_PAGE_FAULT),
    "fault-taken": fault_taken,
    "timed-out": times_out,
    "yields": yields,
    "serves": serves,
}


# Operations -------------------------------------------------------------------------------------------------


def on(label: Label, *words: int, caps: tuple[int, ...] = (), slot: int = TARGET) -> Callable[[Scene], int]:
    """An invocation of the capability in `slot`, with those in `caps`; the error code."""

    def operation(scene: Scene) -> int:
        buffer = scene.world.buffer(scene.caller)
        for index, cap in enumerate(caps):
            buffer.caps_or_badges[index] = cap
        for index, word in enumerate(words):
            scene.caller.registers[Register.A2 + index] = word
        scene.caller.registers[Register.A1] = MessageInfo(len(words), len(caps), 0, int(label)).bits
        scene.system_call_only(Call.CALL, slot)
        return MessageInfo.from_bits(scene.caller.registers[Register.A1]).label

    return operation


def delete(slot: int) -> Callable[[Scene], int]:
    return on(Label.CNODE_DELETE, slot, 64, slot=ROOT)


def signal(scene: Scene) -> int:
    scene.system_call_only(Call.SEND, NOTE)
    return 0


def unbind_object(scene: Scene) -> int:
    """From whichever of the contexts it has; the first, if it has none."""
    slot = SPARE if scene.target.context is scene.spare else TIME
    return on(Label.SCHED_CONTEXT_UNBIND_OBJECT, caps=(TARGET,), slot=slot)(scene)


def bind(scene: Scene) -> int:
    """Time that nobody has."""
    slot = TIME if scene.spare.thread is not None else SPARE
    return on(Label.SCHED_CONTEXT_BIND, caps=(TARGET,), slot=slot)(scene)


OPERATIONS: dict[str, Callable[[Scene], int]] = {
    "suspend": on(Label.TCB_SUSPEND),
    "resume": on(Label.TCB_RESUME),
    "raise": on(Label.TCB_SET_PRIORITY, 150, caps=(CALLER,)),
    "lower": on(Label.TCB_SET_PRIORITY, 5, caps=(CALLER,)),
    "domain": on(Label.DOMAIN_SET, 1, caps=(TARGET,), slot=DOMAINS),
    "bind": bind,
    "unbind": unbind_object,
    "signal": signal,
    "cancel": on(Label.CNODE_CANCEL_BADGED_SENDS, EP, 64, slot=ROOT),
    "no-time": delete(TIME),
    "no-place": delete(EP),
    "no-note": delete(NOTE),
    "no-link": delete(REPLY),
    "delete": delete(TARGET),
}

TABLE = """
                suspend resume raise lower domain bind unbind signal cancel no-time no-place no-note no-link delete
ready           S       R      R     R     R      !R   R-     R      R      R-      R        R       R       X
restarted       S       R      R     R     R      !R   R-     R      R      R-      R        R       R       X
stopped         S       R      S     S     S      !S   S-     S      S      S-      S        S       S       X
passive         S-      R-     R-    R-    R-     R    !R-    R-     R-     R-      R-       R-      R-      X
no-budget       S       L      L     L     L      !L   R-     L      L      R-      L        L       L       X
sends           S       R      s     s     s      !s   s-     s      s      s-      R        s       s       X
receives        S       R      r     r     r      !r   r-     r      r      r-      R        r       S       X
receives-bound  S       R      r     r     r      !r   r-     R      r      r-      R        r       S       X
waits           S       R      w     w     w      !w   w-     R      w      w-      w        R       w       X
calls-lending   S-      R-     c-    c-    c-     c    !c-    c-     c-     c-      c-       c-      S       X
calls           S       R      c     c     c      !c   c-     c      c      c-      c        c       S       X
fault-queued    S       R      sf    sf    sf     !sf  sf-    sf     sf     sf-     sf       sf      sf      X
fault-taken     S       R      cf    cf    cf     !cf  cf-    cf     cf     cf-     cf       cf      Sf      X
timed-out       S       L      sf    sf    sf     !sf  sf-    sf     sf     sf-     sf       sf      sf      X
yields          S       R      R     R     R      !R   R-     R      R      R-      R        R       R       X
serves          S       R      R     R     R      !R   R-     R      R      R-      R        R       R-      X
"""


def standing(scene: Scene) -> str:
    """The code of the table."""
    if isinstance(scene.world.root_slot(scene.caller, TARGET).cap, NullCap):
        return "X"
    thread = scene.target
    match thread.state:
        case ThreadState.INACTIVE:
            code = "S"
        case ThreadState.RUNNING | ThreadState.RESTART:
            code = "L" if thread.is_postponed else "R"
            if thread.context is not None:
                assert thread.is_postponed or thread.is_ready or thread is kernel.current
            else:
                assert not thread.is_ready and not thread.is_postponed
        case ThreadState.BLOCKED_ON_SEND:
            code = "s"
        case ThreadState.BLOCKED_ON_RECEIVE:
            code = "r"
        case ThreadState.BLOCKED_ON_NOTIFICATION:
            code = "w"
        case _:
            code = "c"
    fault = "f" if thread.fault_kind is not FaultKind.NONE else ""
    return code + fault + ("" if thread.context is not None else "-")


CELLS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [
    pytest.param(state, operation, expected, id=f"{state} {operation}")
    for state, *row in CELLS[1:]
    for operation, expected in zip(CELLS[0], row, strict=True)
]


def test_every_state_meets_every_operation() -> None:
    assert CELLS[0] == list(OPERATIONS)
    assert [row[0] for row in CELLS[1:]] == list(STATES)


@pytest.mark.parametrize(("state", "operation", "expected"), CASES)
def test_a_transition(world: World, state: str, operation: str, expected: str) -> None:
    scene = Scene(world)
    STATES[state](scene)
    assert scene.run() is scene.caller
    require_all("before")
    refused = OPERATIONS[operation](scene)
    scene.run()
    require_all("after")
    assert ("!" if refused else "") + standing(scene) == expected
