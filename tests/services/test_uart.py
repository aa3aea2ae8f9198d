"""The UART driver against a device and a kernel made of a script: what comes in, what goes out, in which order."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall
from pith.runtime.console import ConsoleCall
from pith.services import uart
from pith.services.uart import REGISTERS, UartRegister, UartSlot
from tests.runtime.conftest import RecordingProcessor, Trap

CLIENT = 3


class EndOfScript(Exception):
    """Nothing more happens to the driver."""


class Device:
    """A 16550 as the driver sees it; its transmitter has room every other time that one looks."""

    def __init__(self) -> None:
        self.received: deque[int] = deque()
        self.sent = bytearray()
        self.room = False
        self.registers: dict[int, int] = {}

    def load(self, address: int, size: int) -> int:
        assert size == 1
        if address == REGISTERS + UartRegister.LINE_STATUS:
            self.room = not self.room
            return 0x20 * self.room | bool(self.received)
        assert address == REGISTERS + UartRegister.DATA
        return self.received.popleft()

    def store(self, address: int, size: int, value: int) -> None:
        assert size == 1
        if address == REGISTERS + UartRegister.DATA:
            assert self.room, "nothing may be sent without looking"
            self.room = False
            self.sent.append(value)
        else:
            self.registers[address - REGISTERS] = value


class Driver:
    """Runs the driver's main through a script of messages and interrupts."""

    def __init__(self, processor: RecordingProcessor) -> None:
        self.processor, self.device = processor, Device()
        processor.answer = self.answer
        processor.device_load = self.device.load  # type: ignore[attr-defined]
        processor.device_store = self.device.store  # type: ignore[attr-defined]
        uart.ring.first = uart.ring.count = 0

    def run(self, *script: Any) -> None:
        self.script = deque(script)
        with pytest.raises(EndOfScript):
            uart.main()

    def answer(self, trap: Trap) -> tuple[int, ...]:
        if trap.number not in (SystemCall.RECV, SystemCall.REPLY_RECV):
            return (0,) * 7
        if not self.script:
            raise EndOfScript
        match self.script.popleft():
            case bytes() as typed:
                self.device.received.extend(typed)
                return (uart.IRQ_BADGE, 0, 0, 0, 0, 0, 0)
            case (label, words):
                row = [*words, 0, 0, 0, 0]
                for i, word in enumerate(words):
                    self.processor.buffer.words[i] = word
                info = MessageInfo(length=len(words), label=label)
                return (CLIENT, info.bits, *row[:4], 0)
        raise AssertionError

    def replies(self) -> list[Trap]:
        return [trap for trap in self.processor.traps if trap.number == SystemCall.REPLY_RECV]


def write(text: bytes) -> tuple[int, list[int]]:
    padded = text + bytes(-len(text) % 8)
    return ConsoleCall.WRITE, [len(text)] + [
        int.from_bytes(padded[i : i + 8], "little") for i in range(0, len(padded), 8)
    ]


READ = (ConsoleCall.READ, [])


@pytest.fixture
def driver(processor: RecordingProcessor) -> Driver:
    return Driver(processor)


def bytes_read(reply: Trap) -> bytes:
    return b"".join(word.to_bytes(8, "little") for word in reply.words[1:4])[: reply.words[0]]


def test_it_asks_the_device_for_receive_interrupts_only(driver: Driver) -> None:
    driver.run()
    assert driver.device.registers == {UartRegister.FIFO_CONTROL: 1, UartRegister.INTERRUPT_ENABLE: 1}


def test_what_is_written_is_sent_with_line_ends_of_terminals(driver: Driver) -> None:
    driver.run(write(b"one line\nand a half"))
    assert driver.device.sent == b"one line\r\nand a half"
    (reply,) = driver.replies()
    assert (reply.cap, reply.reply, reply.info) == (UartSlot.ENDPOINT, UartSlot.REPLY, MessageInfo())


def test_a_length_that_lies_sends_no_more_than_a_message_holds(driver: Driver) -> None:
    driver.run((ConsoleCall.WRITE, [1 << 63, 0x41]))
    assert len(driver.device.sent) == 8 * 119


def test_an_interrupt_is_acknowledged_and_told(driver: Driver) -> None:
    driver.run(b"k")
    acknowledge, signal = driver.processor.traps[1:3]
    assert (acknowledge.cap, acknowledge.info.label) == (UartSlot.IRQ, Label.IRQ_ACK_IRQ)
    assert (signal.number, signal.cap) == (SystemCall.SEND, UartSlot.TYPED)
    assert not driver.device.received, "the device is empty before its line may fire again"


def test_what_was_typed_is_read_in_order_and_once(driver: Driver) -> None:
    driver.run(b"ab", b"cd", READ, READ)
    assert [bytes_read(reply) for reply in driver.replies()] == [b"abcd", b""]


def test_more_than_an_answer_holds_is_read_in_parts(driver: Driver) -> None:
    typed = bytes(range(65, 65 + 50))
    driver.run(typed, READ, READ, READ)
    assert [bytes_read(reply) for reply in driver.replies()] == [typed[:24], typed[24:48], typed[48:]]


def test_what_nobody_reads_yet_waits_in_the_device_and_nothing_is_lost(driver: Driver) -> None:
    typed = bytes(i % 251 for i in range(600))
    driver.run(typed)
    assert len(driver.device.received) == 600 - 256
    assert driver.device.registers[UartRegister.INTERRUPT_ENABLE] == 0, "or the line would fire for ever"
    driver.run(READ)
    assert driver.device.registers[UartRegister.INTERRUPT_ENABLE] == 1
    driver.run(*[b"", READ] * 30)
    assert b"".join(map(bytes_read, driver.replies())) == typed


def test_the_ring_goes_round(driver: Driver) -> None:
    pieces = [bytes([i]) * 20 for i in range(40)]
    driver.run(*[step for piece in pieces for step in (piece, READ)])
    assert [bytes_read(reply) for reply in driver.replies()] == pieces


def test_an_unknown_request_is_refused_and_nothing_else_happens(driver: Driver) -> None:
    driver.run((99, [1, 2]), write(b"still here"))
    refused, done = driver.replies()
    assert (refused.info.label, done.info.label) == (1, 0)
    assert driver.device.sent == b"still here"
