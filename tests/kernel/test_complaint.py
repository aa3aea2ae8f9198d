"""Complaints: a failed invocation in words, once, and not when it was expected."""

from __future__ import annotations

import pytest

from pith.abi.errors import ErrorCode, LookupFailureKind
from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.objects import ObjectType
from pith.abi.syscalls import SystemCall as Call
from pith.kernel import complaint, debug, errors
from pith.kernel.objects import (
    DomainCap,
    FrameCap,
    FrameSize,
    IRQHandlerCap,
    NullCap,
    Register,
    SchedContext,
    SchedContextCap,
    SchedControlCap,
    ThreadCap,
    UntypedCap,
)
from pith.kernel.state import kernel
from pith.metal import Failure

from .conftest import World
from .invoking import SELF, THREAD, Invoking
from .running import PC, say
from .test_debug import printed
from .test_syscall import failing

OTHER = 7


@pytest.fixture
def system(world: World) -> Invoking:
    system = Invoking(world)
    debug.set_name(system.caller, "driver")
    return system


def told(system: Invoking) -> str:
    """What was printed since the last look."""
    text = printed(system)
    system.world.processor.sbi_calls.clear()
    return text


def level(monkeypatch: pytest.MonkeyPatch, wanted: int) -> None:
    monkeypatch.setattr(debug, "LEVEL", wanted)


# What it says -----------------------------------------------------------------------------------------------


def test_a_value_out_of_range(system: Invoking) -> None:
    system.caller.max_priority = 100
    system.invoke(Label.TCB_SET_PRIORITY, 200, caps=(ThreadCap(system.caller),))
    assert told(system) == (
        "driver: TCB_SetPriority on 0x1 (Thread): priority 200, authority 10 (Thread): "
        "RangeError: priority must be 0 to 100\n"
    )


def test_of_several_words_the_first_outside_is_named(system: Invoking) -> None:
    system.give(system.caller, OTHER, system.world.untyped(12).cap)
    root = system.world.cnode(4, guard_size=0)
    words = (int(ObjectType.ENDPOINT), 0, 0, 0, 16, 1)
    system.invoke(Label.UNTYPED_RETYPE, *words, caps=(root,), on=OTHER)
    assert "node_offset 16, num_objects 1, root 10 (CNode): RangeError: node_offset must be 0 to 15" in told(
        system
    )
    words = (int(ObjectType.CNODE), 36, 0, 0, 99, 1)  # 36 is below 38, but 2**36 slots are too many
    system.invoke(Label.UNTYPED_RETYPE, *words, caps=(root,), on=OTHER)
    assert told(system) == ""  # the same error of the same invocation
    system.caller.complaint = 0
    system.invoke(Label.UNTYPED_RETYPE, *words, caps=(root,), on=OTHER)
    assert "RangeError: size_bits must be 0 to 38" in told(system)


@pytest.mark.parametrize(
    ("depth", "offset", "count", "words"),
    [
        (0, 0, 300, "num_objects must be 1 to 256"),
        (4, 15, 2, "num_objects must be 1 to 1"),
        (4, 99, 1, "node_offset must be 0 to 15"),
        (65, 0, 1, "node_depth must be 1 to 64"),
        (4, 0, 65, "num_objects must be 1 to 16"),
    ],
)
def test_what_is_out_of_range_in_a_retype(
    system: Invoking, depth: int, offset: int, count: int, words: str
) -> None:
    """A depth of 0 is right, and a number that is fine for one argument may be wrong for another."""
    system.give(system.caller, OTHER, system.world.untyped(12).cap)
    node = system.world.cnode(4, guard_size=0)
    system.world.put(system.world.slot_of(node, 0), node)
    system.invoke(
        Label.UNTYPED_RETYPE, ObjectType.ENDPOINT, 0, 0, depth, offset, count, caps=(node,), on=OTHER
    )
    assert f"RangeError: {words}\n" in told(system)


@pytest.mark.parametrize(
    ("amount", "period", "extra", "words"),
    [
        (5, 1000, 0, "budget must be 20 to 0x"),
        (100, 5, 0, "period must be 20 to 0x"),
        (2000, 1000, 0, "budget must be 20 to 1000\n"),
        (100, 1000, 99, "extra_refills must be 0 to 8\n"),
    ],
)
def test_what_is_out_of_range_in_a_budget(
    system: Invoking, amount: int, period: int, extra: int, words: str
) -> None:
    system.give(system.caller, OTHER, SchedControlCap(0))
    context = SchedContextCap(8, system.world.make(SchedContext, 256))
    label = Label.SCHED_CONTROL_CONFIGURE_FLAGS
    system.invoke(label, amount, period, extra, 0, 0, caps=(context,), on=OTHER)
    assert f"RangeError: {words}" in told(system)


def test_a_range_that_no_word_is_outside_of(system: Invoking, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, errors.RangeError(0, 100))
    system.invoke(Label.TCB_SET_SCHED_PARAMS, 3)
    assert "mcp 3, priority missing, authority missing," in (text := told(system))
    assert "RangeError: it must be 0 to 100" in text


def test_long_numbers_are_told_in_hexadecimal(system: Invoking) -> None:
    system.give(system.caller, OTHER, SchedControlCap(0))
    system.invoke(Label.SCHED_CONTROL_CONFIGURE_FLAGS, 1 << 40, 10000, 0, 0, on=OTHER)
    assert "(SchedControl): budget 0x10000000000, period 0x2710, extra_refills 0, badge 0, flags missing" in (
        text := told(system)
    )
    assert text.endswith("TruncatedMessage: 4 words and 0 capabilities are too few\n")


@pytest.mark.parametrize(
    ("label", "failure", "words"),
    [
        (Label.PAGE_MAP, errors.InvalidArgument(0), "vaddr must be where the page is mapped already"),
        (Label.PAGE_TABLE_MAP, errors.InvalidArgument(0), "vaddr must be below 0x3ffffff000\n"),
        (Label.UNTYPED_RETYPE, errors.InvalidArgument(0), "InvalidArgument: type must be 0 to 10\n"),
        (Label.UNTYPED_RETYPE, errors.InvalidArgument(1), "size_bits is too small for the type, or"),
        (Label.DOMAIN_SET, errors.InvalidArgument(1), "InvalidArgument: thread makes no sense here"),
        (
            Label.DOMAIN_SCHEDULE_CONFIGURE,
            errors.InvalidArgument(1),
            "domain must be 0 where the duration is 0",
        ),
        (
            Label.DOMAIN_SCHEDULE_CONFIGURE,
            errors.InvalidArgument(2),
            "duration must be 1 to 0xffffffffffffff ticks",
        ),
        (Label.TCB_SET_SPACE, errors.InvalidCapability(3), "InvalidCapability: vspace_root is of the wrong"),
        (Label.TCB_SET_SPACE, errors.InvalidCapability(0), "InvalidCapability: it is of the wrong kind"),
        (Label.IRQ_SET_IRQ_HANDLER, errors.InvalidCapability(0), "InvalidCapability: notification is of the"),
        (Label.IRQ_ACK_IRQ, errors.IllegalOperation(), "IllegalOperation: the object has no such operation"),
        (Label.TCB_RESUME, errors.IllegalOperation(), "IllegalOperation: not with these capabilities"),
        (Label.TCB_SET_SPACE, errors.IllegalOperation(), "vspace_root the root of an address space"),
        (Label.TCB_BIND_NOTIFICATION, errors.IllegalOperation(), "one of both is bound already"),
        (Label.TCB_UNBIND_NOTIFICATION, errors.IllegalOperation(), "they are not bound"),
        (
            Label.TCB_SET_IPC_BUFFER,
            errors.AlignmentError(),
            "AlignmentError: buffer must be a multiple of 0x400\n",
        ),
        (
            Label.TCB_CONFIGURE,
            errors.AlignmentError(),
            "AlignmentError: buffer must be a multiple of 0x400\n",
        ),
        (Label.CNODE_COPY, errors.DeleteFirst(), "DeleteFirst: the place is taken"),
        (Label.CNODE_COPY, errors.RevokeFirst(), "RevokeFirst: others were made from it"),
        (Label.CNODE_COPY, errors.NotEnoughMemory(512), "NotEnoughMemory: 512 bytes are left"),
    ],
)
def test_every_error_has_its_words(
    system: Invoking, monkeypatch: pytest.MonkeyPatch, label: Label, failure: Failure, words: str
) -> None:
    failing(monkeypatch, failure)
    system.invoke(label)
    assert words in told(system)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (LookupFailureKind.INVALID_ROOT, "the root is none"),
        (LookupFailureKind.MISSING_CAPABILITY, "nothing is there"),
        (LookupFailureKind.DEPTH_MISMATCH, "the slot is not at this depth"),
        (LookupFailureKind.GUARD_MISMATCH, "a guard does not match"),
    ],
)
@pytest.mark.parametrize("is_source", [True, False])
def test_failed_lookups(
    system: Invoking,
    monkeypatch: pytest.MonkeyPatch,
    kind: LookupFailureKind,
    words: str,
    is_source: bool,
) -> None:
    failing(monkeypatch, errors.FailedLookup(is_source, kind, 5, 6, 7))
    system.invoke(Label.CNODE_MOVE)
    assert f"FailedLookup: the {'source' if is_source else 'destination'}: {words}\n" in told(system)


def test_a_label_that_is_none(system: Invoking) -> None:
    for label in (0, len(Label), 1 << 51):
        assert system.invoke(label, 1, 2)[0] == ErrorCode.ILLEGAL_OPERATION
        assert told(system).startswith(f"driver: label {label} on 0x1 (Thread): IllegalOperation")


def test_a_label_of_another_object_s(system: Invoking) -> None:
    system.give(system.caller, OTHER, DomainCap())
    system.invoke(Label.TCB_SUSPEND, on=OTHER)
    assert told(system).startswith("driver: TCB_Suspend on 0x7 (Domain): IllegalOperation: ")


def test_a_capability_that_came_without_a_buffer_to_read_it_from(
    system: Invoking, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = system.world.slot(ThreadCap(system.target))
    call = system.world.call(Label.TCB_COPY_REGISTERS, 1, slot=slot, caps=(system.world.slot(),))
    kernel.caller_buffer = None
    complaint.tell(call, ErrorCode.INVALID_CAPABILITY, 1, 0)
    assert "flags 1, source missing: InvalidCapability: source is" in told(system)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (Label.CNODE_COPY, "interrupt control cannot be copied"),
        (Label.CNODE_MINT, "a badge cannot be changed"),
        (Label.CNODE_MUTATE, "moving cannot badge"),
        (Label.CNODE_ROTATE, "the slots must differ"),
        (Label.CNODE_CANCEL_BADGED_SENDS, "the slot must hold an endpoint capability with all rights"),
    ],
)
def test_what_a_cnode_does_not_do(
    system: Invoking, monkeypatch: pytest.MonkeyPatch, label: Label, words: str
) -> None:
    system.give(system.caller, OTHER, system.world.cnode(2))
    failing(monkeypatch, errors.IllegalOperation())
    system.invoke(label, on=OTHER)
    assert words in told(system)


@pytest.mark.parametrize("size", FrameSize)
def test_a_page_has_its_own_alignment(
    system: Invoking, monkeypatch: pytest.MonkeyPatch, size: FrameSize
) -> None:
    system.give(system.caller, OTHER, FrameCap(size, True, True, False, 0x8000_0000, 0, 0))
    failing(monkeypatch, errors.AlignmentError())
    system.invoke(Label.PAGE_MAP, on=OTHER)
    assert f"AlignmentError: vaddr must be a multiple of {1 << 12 + 9 * size:#x}\n" in told(system)


# The interface's names --------------------------------------------------------------------------------------


def test_every_label_has_its_line() -> None:
    lines = complaint.SIGNATURES.splitlines()
    assert len(lines) == len(Label)
    other_names = {
        "IRQCONTROLGET": "IRQISSUEIRQHANDLER",
        "IRQHANDLERACK": "IRQACKIRQ",
        "IRQHANDLERSETNOTIFICATION": "IRQSETIRQHANDLER",
        "IRQHANDLERCLEAR": "IRQCLEARIRQHANDLER",
        "IRQCONTROLGETTRIGGER": "IRQISSUEIRQHANDLERTRIGGER",
        "DOMAINSETSET": "DOMAINSET",
        "DOMAINSETSCHEDULECONFIGURE": "DOMAINSCHEDULECONFIGURE",
        "DOMAINSETSCHEDULESETSTART": "DOMAINSCHEDULESETSTART",
    }
    for label, line in zip(Label, lines, strict=True):
        name = line.split()[0].replace("_", "").upper()
        assert other_names.get(name, name) == label.name.replace("_", "")


def test_every_kind_of_capability_has_its_name(system: Invoking) -> None:
    kinds = debug.KINDS.splitlines()
    for cap in (NullCap(), ThreadCap(system.caller), IRQHandlerCap(3)):
        assert kinds[cap.bits & 31] + "Cap" == type(cap).__name__


# How much it says -------------------------------------------------------------------------------------------


def truncated(system: Invoking, on: int = THREAD) -> None:
    assert system.invoke(Label.TCB_SET_FLAGS, on=on)[0] == ErrorCode.TRUNCATED_MESSAGE


def test_the_same_is_told_once(system: Invoking, monkeypatch: pytest.MonkeyPatch) -> None:
    truncated(system)
    assert told(system).count("\n") == 1
    truncated(system, on=SELF)
    assert told(system) == ""
    system.invoke(Label.TCB_SET_TLS_BASE)
    truncated(system)
    assert told(system).count("\n") == 2
    level(monkeypatch, debug.ALL)
    truncated(system)
    assert told(system).count("\n") == 1


def test_another_place_of_the_program_is_another_complaint(system: Invoking) -> None:
    """So two mistakes are both told, though they look alike; a loop over one is told once."""
    for pc in (PC, PC + 8):
        for _ in range(3):
            say(system.caller, 1, label=int(Label.TCB_SET_FLAGS))
            kernel.current = system.caller
            system.system_call_only(Call.CALL, THREAD, pc=pc)
    assert told(system).count("TruncatedMessage") == 2


def test_nothing_is_told_by_a_silent_kernel_or_a_release(
    system: Invoking, monkeypatch: pytest.MonkeyPatch
) -> None:
    level(monkeypatch, debug.SILENT)
    truncated(system)
    level(monkeypatch, debug.ALL)
    monkeypatch.setattr(debug, "DEBUG", False)
    truncated(system)
    send_to(system, 99)
    debug.set_name(system.target, "nobody")
    assert told(system) == ""
    assert system.target.name[0] == 0


def send_to(system: Invoking, target: int) -> None:
    kernel.current = system.caller
    system.caller.registers[Register.A1] = MessageInfo(label=int(Label.TCB_SET_FLAGS)).bits
    system.system_call_only(Call.NB_SEND, target)


def test_who_does_not_wait_is_not_told(system: Invoking, monkeypatch: pytest.MonkeyPatch) -> None:
    for target in (99, 1 << 40, THREAD):  # an empty slot, none at all, and an error
        send_to(system, target)
    assert told(system) == ""
    level(monkeypatch, debug.ALL)
    send_to(system, 99)
    assert "TCB_SetFlags on 0x63 (Null): clear missing, set missing: InvalidCapability: nothing" in told(
        system
    )
    send_to(system, 1 << 40)
    assert told(system).startswith("driver: no capability at 0x10000000000: its message")
    send_to(system, THREAD)
    assert "TruncatedMessage" in told(system)


@pytest.mark.parametrize(
    ("label", "failure"),
    [
        (Label.PAGE_MAP, errors.FailedLookup(False, LookupFailureKind.MISSING_CAPABILITY, 21, 0, 0)),
        (Label.PAGE_TABLE_MAP, errors.DeleteFirst()),
        (Label.UNTYPED_RETYPE, errors.NotEnoughMemory(0)),
    ],
)
def test_what_programs_find_out_by_trying(
    system: Invoking, monkeypatch: pytest.MonkeyPatch, label: Label, failure: Failure
) -> None:
    system.give(system.caller, OTHER, UntypedCap(4, False, 0x8000_0000, 0))
    failing(monkeypatch, failure)
    system.invoke(label, on=OTHER)
    assert told(system) == ""
    level(monkeypatch, debug.ALL)
    system.invoke(label, on=OTHER)
    assert told(system).startswith("driver: ")


def test_threads_made_by_the_kernel_have_names(system: Invoking) -> None:
    debug.set_name(system.target, "x" * 40)
    debug.put_name(system.target)
    assert told(system) == "x" * 31
