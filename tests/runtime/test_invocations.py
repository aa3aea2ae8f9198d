"""Every stub sends what the interface definitions say: label, words in order, capabilities in order.

The table was written from the interface definitions' XML, not from the stubs: each row names the arguments by the
definitions' own names, and which of them are words and which capabilities.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from pith.abi.errors import ErrorCode
from pith.abi.labels import Label
from pith.abi.messages import CapRights, CNodeData, MessageInfo
from pith.abi.objects import ObjectType
from pith.abi.syscalls import SystemCall
from pith.runtime import (
    asid,
    cnode,
    domain,
    irq,
    page,
    page_table,
    sched_context,
    sched_control,
    tcb,
    untyped,
)
from pith.runtime.capability import Place
from pith.runtime.invocation import InvocationFailed
from tests.runtime.conftest import RecordingProcessor

SERVICE = 77
RIGHTS = CapRights(can_write=True, can_read=False, can_grant=True, can_grant_reply=False)
TO = Place(SERVICE, 11, 12)
SOURCE = Place(21, 22, 23)
PIVOT = Place(31, 32, 33)


class Row(NamedTuple):
    stub: Callable[..., Any]
    arguments: tuple[Any, ...]
    label: Label
    words: list[int]
    caps: list[int]


TABLE = [
    Row(
        untyped.retype,
        (SERVICE, ObjectType.CNODE, 5, 40, 41, 42, 43, 44),
        Label.UNTYPED_RETYPE,
        [4, 5, 41, 42, 43, 44],
        [40],
    ),
    Row(tcb.copy_registers, (SERVICE, 9, True, False, True, True), Label.TCB_COPY_REGISTERS, [0b1101], [9]),
    Row(tcb.copy_registers, (SERVICE, 9, False, True, False, False), Label.TCB_COPY_REGISTERS, [0b0010], [9]),
    Row(
        tcb.configure,
        (SERVICE, 50, CNodeData(guard_size=58, guard=0), 51, 52, 53),
        Label.TCB_CONFIGURE,
        [58, 0, 52],
        [50, 51, 53],
    ),
    Row(
        tcb.set_space,
        (SERVICE, 60, 61, CNodeData(guard_size=3, guard=2), 62),
        Label.TCB_SET_SPACE,
        [3 | 2 << 6, 0],
        [60, 61, 62],
    ),
    Row(tcb.set_priority, (SERVICE, 8, 200), Label.TCB_SET_PRIORITY, [200], [8]),
    Row(tcb.set_mc_priority, (SERVICE, 8, 201), Label.TCB_SET_MC_PRIORITY, [201], [8]),
    Row(tcb.set_sched_params, (SERVICE, 8, 9, 10, 11, 12), Label.TCB_SET_SCHED_PARAMS, [9, 10], [8, 11, 12]),
    Row(tcb.set_timeout_endpoint, (SERVICE, 8), Label.TCB_SET_TIMEOUT_ENDPOINT, [], [8]),
    Row(tcb.set_ipc_buffer, (SERVICE, 0x7000, 8), Label.TCB_SET_IPC_BUFFER, [0x7000], [8]),
    Row(tcb.suspend, (SERVICE,), Label.TCB_SUSPEND, [], []),
    Row(tcb.resume, (SERVICE,), Label.TCB_RESUME, [], []),
    Row(tcb.bind_notification, (SERVICE, 8), Label.TCB_BIND_NOTIFICATION, [], [8]),
    Row(tcb.unbind_notification, (SERVICE,), Label.TCB_UNBIND_NOTIFICATION, [], []),
    Row(tcb.set_tls_base, (SERVICE, 0x9000), Label.TCB_SET_TLS_BASE, [0x9000], []),
    Row(tcb.set_flags, (SERVICE, 1, 2), Label.TCB_SET_FLAGS, [1, 2], []),
    Row(cnode.revoke, (TO,), Label.CNODE_REVOKE, [11, 12], []),
    Row(cnode.delete, (TO,), Label.CNODE_DELETE, [11, 12], []),
    Row(cnode.cancel_badged_sends, (TO,), Label.CNODE_CANCEL_BADGED_SENDS, [11, 12], []),
    Row(cnode.copy, (TO, SOURCE, RIGHTS), Label.CNODE_COPY, [11, 12, 22, 23, 0b0101], [21]),
    Row(cnode.mint, (TO, SOURCE, RIGHTS, 99), Label.CNODE_MINT, [11, 12, 22, 23, 0b0101, 99], [21]),
    Row(cnode.move, (TO, SOURCE), Label.CNODE_MOVE, [11, 12, 22, 23], [21]),
    Row(cnode.mutate, (TO, SOURCE, 98), Label.CNODE_MUTATE, [11, 12, 22, 23, 98], [21]),
    Row(
        cnode.rotate,
        (TO, 5, PIVOT, 6, SOURCE),
        Label.CNODE_ROTATE,
        [11, 12, 5, 32, 33, 6, 22, 23],
        [31, 21],
    ),
    Row(irq.get, (SERVICE, 10, SOURCE), Label.IRQ_ISSUE_IRQ_HANDLER, [10, 22, 23], [21]),
    Row(
        irq.get_trigger, (SERVICE, 10, 1, SOURCE), Label.IRQ_ISSUE_IRQ_HANDLER_TRIGGER, [10, 1, 22, 23], [21]
    ),
    Row(irq.ack, (SERVICE,), Label.IRQ_ACK_IRQ, [], []),
    Row(irq.set_notification, (SERVICE, 5), Label.IRQ_SET_IRQ_HANDLER, [], [5]),
    Row(irq.clear, (SERVICE,), Label.IRQ_CLEAR_IRQ_HANDLER, [], []),
    Row(domain.set, (SERVICE, 3, 9), Label.DOMAIN_SET, [3], [9]),
    Row(domain.schedule_configure, (SERVICE, 1, 2, 3), Label.DOMAIN_SCHEDULE_CONFIGURE, [1, 2, 3], []),
    Row(domain.schedule_set_start, (SERVICE, 4), Label.DOMAIN_SCHEDULE_SET_START, [4], []),
    Row(
        sched_control.configure,
        (SERVICE, 70, 71, 72, 73, 74, 75),
        Label.SCHED_CONTROL_CONFIGURE_FLAGS,
        [71, 72, 73, 74, 75],
        [70],
    ),
    Row(sched_context.bind, (SERVICE, 6), Label.SCHED_CONTEXT_BIND, [], [6]),
    Row(sched_context.unbind, (SERVICE,), Label.SCHED_CONTEXT_UNBIND, [], []),
    Row(sched_context.unbind_object, (SERVICE, 6), Label.SCHED_CONTEXT_UNBIND_OBJECT, [], [6]),
    Row(sched_context.consumed, (SERVICE,), Label.SCHED_CONTEXT_CONSUMED, [], []),
    Row(sched_context.yield_to, (SERVICE,), Label.SCHED_CONTEXT_YIELD_TO, [], []),
    Row(page_table.map, (SERVICE, 80, 0x1000, 1), Label.PAGE_TABLE_MAP, [0x1000, 1], [80]),
    Row(page_table.unmap, (SERVICE,), Label.PAGE_TABLE_UNMAP, [], []),
    Row(page.map, (SERVICE, 80, 0x2000, RIGHTS, 1), Label.PAGE_MAP, [0x2000, 0b0101, 1], [80]),
    Row(page.unmap, (SERVICE,), Label.PAGE_UNMAP, [], []),
    Row(page.get_address, (SERVICE,), Label.PAGE_GET_ADDRESS, [], []),
    Row(asid.make_pool, (SERVICE, 90, SOURCE), Label.ASID_CONTROL_MAKE_POOL, [22, 23], [90, 21]),
    Row(asid.assign, (SERVICE, 91), Label.ASID_POOL_ASSIGN, [], [91]),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.stub.__module__[13:] + "." + row.stub.__name__)
def test_stub_sends_what_the_interface_says(row: Row, processor: RecordingProcessor) -> None:
    row.stub(*row.arguments)
    (trap,) = processor.traps
    assert trap.number == SystemCall.CALL
    assert trap.cap == SERVICE
    assert trap.info == MessageInfo(length=len(row.words), extra_caps=len(row.caps), label=row.label)
    assert trap.words[: len(row.words)] == row.words
    assert trap.caps == row.caps


def test_every_label_has_a_stub() -> None:
    stubbed = {row.label for row in TABLE} | {Label.TCB_READ_REGISTERS, Label.TCB_WRITE_REGISTERS}
    assert stubbed == set(Label) - {Label.INVALID}


def test_registers_are_written_in_the_order_of_the_context(
    processor: RecordingProcessor, free_memory: int
) -> None:
    context = tcb.UserContext.at(free_memory)
    for i in range(32):
        tcb.words_of(context)[i] = 1000 + i
    tcb.write_registers(SERVICE, True, context)
    (trap,) = processor.traps
    assert trap.info == MessageInfo(length=34, label=Label.TCB_WRITE_REGISTERS)
    assert trap.words == [1, 32, *range(1000, 1032)]
    assert (context.pc, context.sp, context.a0, context.tp) == (1000, 1002, 1016, 1031)


def test_registers_are_read_from_registers_and_buffer(
    processor: RecordingProcessor, free_memory: int
) -> None:
    context = tcb.UserContext.at(free_memory)
    for i in range(4, 32):
        processor.buffer.words[i] = 500 + i
    processor.answer = lambda trap: (0, MessageInfo(length=32).bits, 500, 501, 502, 503, 0)
    tcb.read_registers(SERVICE, True, context)
    (trap,) = processor.traps
    assert trap.words == [1, 32, 0, 0]
    assert list(tcb.words_of(context)) == list(range(500, 532))


def test_refusal_is_a_failure_that_says_what_and_why(processor: RecordingProcessor) -> None:
    refusal = MessageInfo(label=ErrorCode.RANGE_ERROR, length=2)
    processor.answer = lambda trap: (0, refusal.bits, 4, 38, 0, 0, 0)
    with pytest.raises(InvocationFailed) as caught:
        untyped.retype(SERVICE, ObjectType.UNTYPED, 3, 2, 0, 0, 100, 1)
    refused = caught.value
    assert (refused.operation, refused.code, refused.detail) == (
        Label.UNTYPED_RETYPE,
        ErrorCode.RANGE_ERROR,
        4,
    )


def test_a_guard_makes_a_small_cnode_a_whole_space() -> None:
    assert tcb.guard(6) == CNodeData(guard_size=58, guard=0)
