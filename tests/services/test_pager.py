"""The pager's decision: which faults it puts right, with what, and which it leaves."""

from __future__ import annotations

import pytest

from pith.abi.errors import ErrorCode
from pith.abi.faults import FaultLabel
from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.objects import ObjectType
from pith.abi.syscalls import DebugCall
from pith.runtime.process import WINDOW
from pith.runtime.syscalls import Message
from pith.services import pager
from pith.services.pager import MEMORY_BITS, PagerSlot
from tests.runtime.conftest import RecordingProcessor, Trap


def fault(address: int, label: int = FaultLabel.VM) -> Message:
    return Message(1, MessageInfo(length=4, label=label), 0x10000, address, 0, 15)


@pytest.fixture(autouse=True)
def ready(processor: RecordingProcessor) -> None:
    pager.pool.stock_in(PagerSlot.CNODE, 6, PagerSlot.MEMORY, MEMORY_BITS, PagerSlot.FIRST_FREE, 48)
    pager.client.adopt(PagerSlot.CLIENT, pager.pool)


def invocations(processor: RecordingProcessor) -> list[Trap]:
    return [trap for trap in processor.traps if trap.number != DebugCall.PUT_CHAR]


def test_a_fault_in_its_region_gets_a_fresh_page_there(processor: RecordingProcessor) -> None:
    assert pager.is_served(fault(WINDOW + 0x12345))
    make, map_page = invocations(processor)
    assert (make.cap, make.info.label, make.words[0]) == (
        PagerSlot.MEMORY,
        Label.UNTYPED_RETYPE,
        ObjectType.PAGE,
    )
    assert make.caps == [PagerSlot.CNODE]
    assert (map_page.cap, map_page.info.label) == (PagerSlot.FIRST_FREE, Label.PAGE_MAP)
    assert (map_page.words[0], map_page.caps) == (WINDOW + 0x12000, [PagerSlot.CLIENT])


def test_missing_page_tables_are_made_on_the_way(processor: RecordingProcessor) -> None:
    missing = 2

    def answer(trap: Trap) -> tuple[int, ...]:
        nonlocal missing
        if trap.info.label == Label.PAGE_MAP and missing:
            missing -= 1
            return (0, MessageInfo(label=ErrorCode.FAILED_LOOKUP).bits, 0, 0, 0, 0, 0)
        return (0,) * 7

    processor.answer = answer
    assert pager.is_served(fault(WINDOW))
    labels = [trap.info.label for trap in invocations(processor)]
    table = [Label.UNTYPED_RETYPE, Label.PAGE_TABLE_MAP, Label.PAGE_MAP]
    assert labels == [Label.UNTYPED_RETYPE, Label.PAGE_MAP, *table, *table]


def test_it_gives_up_when_tables_do_not_help(processor: RecordingProcessor) -> None:
    lookup_failed = MessageInfo(label=ErrorCode.FAILED_LOOKUP).bits
    processor.answer = lambda trap: (0, lookup_failed * (trap.info.label == Label.PAGE_MAP), 0, 0, 0, 0, 0)
    assert not pager.is_served(fault(WINDOW))
    assert [t.info.label for t in invocations(processor)].count(Label.PAGE_MAP) == 3


@pytest.mark.parametrize("address", [0, WINDOW - 1, WINDOW + pager.REGION_BYTES, (1 << 64) - 1])
def test_elsewhere_it_gives_nothing(address: int, processor: RecordingProcessor) -> None:
    assert not pager.is_served(fault(address))
    assert invocations(processor) == []


def test_other_faults_are_not_its_business(processor: RecordingProcessor) -> None:
    assert not pager.is_served(fault(WINDOW, FaultLabel.USER_EXCEPTION))
    assert processor.traps == []


def test_when_its_memory_is_used_up_it_says_no(processor: RecordingProcessor) -> None:
    pages = (1 << MEMORY_BITS) // 4096
    assert all(pager.is_served(fault(WINDOW + i * 4096)) for i in range(pages))
    assert not pager.is_served(fault(WINDOW + pages * 4096))
