"""The errors that invocations have in common: each label on the wrong capability, each named slot in the wrong place.

docs/api-table.md lists all errors of all invocations with the tests that show them; these fill what the tests
of the single objects leave out.
"""

from __future__ import annotations

import pytest

from pith.abi.errors import ErrorCode
from pith.abi.labels import Label
from pith.kernel.cspace import insert
from pith.kernel.objects import (
    ASIDControlCap,
    CNodeCap,
    DomainCap,
    IRQControlCap,
    IRQHandlerCap,
    ThreadSlot,
    UntypedCap,
)
from pith.kernel.riscv64 import vspace
from pith.kernel.state import ASID_POOLS, kernel

from .conftest import World
from .invoking import FIRST, Invoking

OTHER, EMPTY, ROOT, CONTROL, UNTYPED = 20, 21, 22, 23, 24
LABELS = [label for label in Label if label is not Label.INVALID]
CNODE = [label for label in LABELS if label.name.startswith("CNODE")]
DOMAIN = [label for label in LABELS if label.name.startswith("DOMAIN")]
GET, TRIGGER = Label.IRQ_ISSUE_IRQ_HANDLER, Label.IRQ_ISSUE_IRQ_HANDLER_TRIGGER
POOL = Label.ASID_CONTROL_MAKE_POOL

ILLEGAL, INVALID = ErrorCode.ILLEGAL_OPERATION, ErrorCode.INVALID_CAPABILITY
FAILED, RANGE = ErrorCode.FAILED_LOOKUP, ErrorCode.RANGE_ERROR


@pytest.fixture
def system(world: World) -> Invoking:
    """A caller with its own root CNode in ROOT."""
    system = Invoking(world)
    system.give(system.caller, ROOT, system.caller.slots[ThreadSlot.CSPACE].cap)
    kernel.plic = 0xFFFF_FFC0_0C00_0000
    for index in range(ASID_POOLS):
        kernel.asid_pools[index] = None
    return system


@pytest.mark.parametrize("label", LABELS)
def test_on_an_object_of_another_kind(system: Invoking, label: Label) -> None:
    system.give(system.caller, OTHER, IRQHandlerCap(3) if label in DOMAIN else DomainCap())
    assert system.invoke(label, 0, 0, 0, 0, on=OTHER) == (ILLEGAL, [])


@pytest.mark.parametrize("label", LABELS)
def test_on_an_empty_slot(system: Invoking, label: Label) -> None:
    assert system.invoke(label, 0, 0, 0, 0, on=EMPTY) == (INVALID, [0])


def cspace(system: Invoking) -> CNodeCap:
    cap = system.caller.slots[ThreadSlot.CSPACE].cap
    assert isinstance(cap, CNodeCap)
    return cap


@pytest.mark.parametrize("label", CNODE)
@pytest.mark.parametrize("depth", [0, 65, 1 << 40])
def test_a_depth_that_is_none(system: Invoking, label: Label, depth: int) -> None:
    assert system.invoke(label, EMPTY, depth, on=ROOT) == (RANGE, [1, 64])


@pytest.mark.parametrize("label", CNODE)
def test_a_slot_behind_a_guard_that_does_not_match(system: Invoking, label: Label) -> None:
    code, words = system.invoke(label, 1 << 60 | EMPTY, 64, on=ROOT)
    assert (code, words[0]) == (FAILED, 0)


def used_untyped(system: Invoking) -> int:
    """The slot of an untyped that has a child."""
    parent = system.world.root_slot(system.caller, UNTYPED)
    system.world.put(parent, UntypedCap(12, False, system.world.place(4096), 0))
    insert(parent.cap, parent, system.world.slot())
    return UNTYPED


@pytest.mark.parametrize("label", [Label.CNODE_COPY, Label.CNODE_MINT])
def test_a_copy_of_an_untyped_with_children(system: Invoking, label: Label) -> None:
    words = (EMPTY, 64, used_untyped(system), 64, 15, 0)
    assert system.invoke(label, *words, caps=(cspace(system),), on=ROOT) == (ErrorCode.REVOKE_FIRST, [])


@pytest.mark.parametrize(
    ("label", "words", "position", "count"),
    [
        (Label.TCB_CONFIGURE, (0, 0, 0), 0, 3),
        (Label.TCB_SET_SPACE, (0, 0), 1, 3),
        (Label.TCB_SET_IPC_BUFFER, (0x2400,), 0, 1),
    ],
)
def test_a_thread_s_own_capability_must_be_one_that_can_be_copied(
    system: Invoking, label: Label, words: tuple[int, ...], position: int, count: int
) -> None:
    from pith.abi.messages import MessageInfo
    from pith.abi.syscalls import SystemCall
    from pith.kernel.objects import Register

    buffer, registers = system.world.buffer(system.caller), system.caller.registers
    for index in range(count):
        buffer.caps_or_badges[index] = EMPTY
    buffer.caps_or_badges[position] = used_untyped(system)
    registers[Register.A1] = MessageInfo(len(words), count, 0, int(label)).bits
    for index, word in enumerate(words):
        registers[Register.A2 + index] = word
    system.system_call_only(SystemCall.CALL, 1)
    assert MessageInfo.from_bits(registers[Register.A1]).label == ErrorCode.REVOKE_FIRST


def test_a_buffer_that_is_not_aligned(system: Invoking) -> None:
    caps = (system.world.cnode(4), system.vspace(), system.world.frame())
    assert system.invoke(Label.TCB_CONFIGURE, 0, 0, 0x2408, caps=caps) == (ErrorCode.ALIGNMENT_ERROR, [])


# Where a new capability goes --------------------------------------------------------------------------------

MAKERS = [(GET, (9,)), (TRIGGER, (9, 1)), (POOL, ())]


def make(
    system: Invoking, label: Label, words: tuple[int, ...], index: int, depth: int
) -> tuple[int, list[int]]:
    """Have `label` put what it makes at (index, depth) of the caller's CSpace."""
    if label is POOL:
        vspace.make_kernel_root(kernel.kernel_root or system.vspace().table)
        system.give(system.caller, CONTROL, ASIDControlCap())
        untyped = UntypedCap(12, False, system.world.place(4096), 0)
        return system.invoke(label, index, depth, caps=(untyped, cspace(system)), on=CONTROL)
    system.give(system.caller, CONTROL, IRQControlCap())
    return system.invoke(label, *words, index, depth, caps=(cspace(system),), on=CONTROL)


@pytest.mark.parametrize(("label", "words"), MAKERS)
def test_destinations(system: Invoking, label: Label, words: tuple[int, ...]) -> None:
    assert make(system, label, words, FIRST, 64) == (ErrorCode.DELETE_FIRST, [])
    assert make(system, label, words, EMPTY, 0) == (RANGE, [1, 64])
    code, answer = make(system, label, words, 1 << 60 | EMPTY, 64)
    assert (code, answer[0]) == (FAILED, 0)
    assert make(system, label, words, EMPTY, 64) == (0, [])


@pytest.mark.parametrize("irq", [0, 97, 1 << 63])
def test_lines_that_are_none(system: Invoking, irq: int) -> None:
    assert make(system, TRIGGER, (irq, 1), EMPTY, 64) == (RANGE, [1, 96])
