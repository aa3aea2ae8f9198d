"""Each system call enters the kernel with its number and its registers, and hands back what the kernel left in them."""

import pytest

from pith.abi.messages import MessageInfo
from pith.abi.syscalls import BenchmarkCall, DebugCall, SystemCall
from pith.runtime import benchmark, debug, notification, syscalls
from pith.runtime.syscalls import Message
from tests.runtime.conftest import RecordingProcessor

INFO = MessageInfo(length=4, label=33)
ANSWER_INFO = MessageInfo(length=2, label=44)
ANSWER = (9, ANSWER_INFO.bits, 101, 102, 103, 104, 0)
RECEIVED = Message(9, ANSWER_INFO, 101, 102, 103, 104)


@pytest.mark.parametrize(
    ("made", "number"),
    [
        (lambda: syscalls.send(5, INFO, 1, 2, 3, 4), SystemCall.SEND),
        (lambda: syscalls.nb_send(5, INFO, 1, 2, 3, 4), SystemCall.NB_SEND),
        (lambda: syscalls.call(5, INFO, 1, 2, 3, 4), SystemCall.CALL),
        (lambda: syscalls.reply_recv(5, 6, INFO, 1, 2, 3, 4), SystemCall.REPLY_RECV),
        (lambda: syscalls.nb_send_recv(7, 5, 6, INFO, 1, 2, 3, 4), SystemCall.NB_SEND_RECV),
        (lambda: syscalls.nb_send_wait(7, 5, INFO, 1, 2, 3, 4), SystemCall.NB_SEND_WAIT),
    ],
)
def test_what_is_sent(made, number: SystemCall, processor: RecordingProcessor) -> None:  # type: ignore[no-untyped-def]
    made()
    (trap,) = processor.traps
    assert (trap.number, trap.cap, trap.info, trap.words) == (number, 5, INFO, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("made", "number", "reply"),
    [
        (lambda: syscalls.call(5, INFO), SystemCall.CALL, 0),
        (lambda: syscalls.recv(5, 6), SystemCall.RECV, 6),
        (lambda: syscalls.nb_recv(5, 6), SystemCall.NB_RECV, 6),
        (lambda: syscalls.reply_recv(5, 6), SystemCall.REPLY_RECV, 6),
        (lambda: syscalls.wait(5), SystemCall.WAIT, 0),
        (lambda: syscalls.nb_wait(5), SystemCall.NB_WAIT, 0),
        (lambda: syscalls.nb_send_recv(7, 5, 6), SystemCall.NB_SEND_RECV, 6),
        (lambda: syscalls.nb_send_wait(7, 5), SystemCall.NB_SEND_WAIT, 0),
    ],
)
def test_what_is_received(made, number: SystemCall, reply: int, processor: RecordingProcessor) -> None:  # type: ignore[no-untyped-def]
    processor.answer = lambda trap: ANSWER
    assert made() == RECEIVED
    (trap,) = processor.traps
    assert (trap.number, trap.cap, trap.reply) == (number, 5, reply)


@pytest.mark.parametrize("two", [syscalls.nb_send_wait, syscalls.nb_send_recv])
def test_the_second_capability_is_named_in_its_own_register(two, processor: RecordingProcessor) -> None:  # type: ignore[no-untyped-def]
    two(7, 5, 6) if two is syscalls.nb_send_recv else two(7, 5)
    assert processor.traps[0].send_to == 7


def test_yield_names_nothing(processor: RecordingProcessor) -> None:
    syscalls.yield_()
    assert processor.traps[0].number == SystemCall.YIELD


def test_a_signal_is_an_empty_send(processor: RecordingProcessor) -> None:
    notification.signal(8)
    (trap,) = processor.traps
    assert (trap.number, trap.cap, trap.info) == (SystemCall.SEND, 8, MessageInfo())


def test_a_long_message_stands_in_the_buffer_both_ways(processor: RecordingProcessor) -> None:
    for i in range(6):
        processor.buffer.words[i] = 10 + i
    processor.answer = lambda trap: ANSWER
    syscalls.call_buffer(5, MessageInfo(length=6, label=1))
    assert processor.traps[0].words == [10, 11, 12, 13, 14, 15]
    assert [processor.buffer.words[i] for i in range(6)] == [101, 102, 103, 104, 14, 15]


def test_debug_and_benchmark_calls(processor: RecordingProcessor) -> None:
    processor.answer = lambda trap: (40 - trap.number, 0, 0, 0, 0, 0, 0)
    debug.put_char(65)
    debug.dump_scheduler()
    debug.halt()
    assert debug.cap_identify(5) == 40 - DebugCall.CAP_IDENTIFY
    debug.snapshot()
    debug.name_thread(6, "a name")
    assert processor.buffer.words[0] == int.from_bytes(b"a name\0\0", "little")
    benchmark.flush_caches()
    assert benchmark.reset_log() == 40 + 19
    assert benchmark.finalize_log() == 40 + 20
    assert benchmark.set_log_buffer(7) == 40 + 21
    benchmark.null_syscall()
    benchmark.get_thread_utilisation(8)
    benchmark.reset_thread_utilisation(9)
    benchmark.dump_all_threads_utilisation()
    benchmark.reset_all_threads_utilisation()
    calls = [*DebugCall, *(DebugCall.NAME_THREAD - 1 - call for call in BenchmarkCall)]
    assert [trap.number for trap in processor.traps] == calls
    assert [trap.cap for trap in processor.traps] == [65, 0, 0, 5, 0, 6, 0, 0, 0, 7, 0, 8, 9, 0, 0]
