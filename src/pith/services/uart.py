"""The driver of the 16550 UART, and the console server: one program, because whoever holds the registers serves the line.

It has a page of device registers, the capability of one interrupt line, and an endpoint. It waits for two things in one
place: requests at the endpoint, and the interrupt, whose notification is bound to its thread; the badge tells them apart. A
message costs a client one call: all the text of a line at once. What is typed waits here until somebody asks, and a
notification tells that somebody that there is something.

    typed key -> UART -> interrupt controller -> kernel -> notification -> this thread -> ring -> READ
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.messages import MessageInfo
from pith.metal import Array, Struct, array, export, static, u8, u64
from pith.metal.machine import device_load8, device_store8, panic
from pith.runtime import irq, notification
from pith.runtime.console import LINE_BYTES, ConsoleCall
from pith.runtime.invocation import InvocationFailed
from pith.runtime.process import WINDOW, ipc_buffer
from pith.runtime.syscalls import Message, recv, reply_recv, words_to_buffer

REGISTERS: Final = WINDOW  # where the supervisor mapped the device's page
PHYSICAL_ADDRESS: Final = 0x1000_0000
INTERRUPT_LINE: Final = 10
IRQ_BADGE: Final = 1 << 40  # of the notification that the interrupt signals; clients have small badges


class UartSlot(IntEnum):
    """The driver's capabilities: what the supervisor must give it."""

    ENDPOINT = 2  # receives requests
    REPLY = 3
    IRQ = 4  # the interrupt line's handler
    TYPED = 5  # a notification: signalled when something was typed


class UartRegister(IntEnum):
    """Offsets from the registers' start (16550 data sheet)."""

    DATA = 0  # write: send; read: receive
    INTERRUPT_ENABLE = 1
    FIFO_CONTROL = 2
    LINE_STATUS = 5


RECEIVE_INTERRUPT: Final = 1
FIFO_ON: Final = 1
DATA_READY: Final = 0x01
ROOM_TO_SEND: Final = 0x20

RING_BYTES: Final = 256
READ_BYTES: Final = 24  # what fits into the three words after the count


class Ring(Struct):
    """What was typed and not yet read: `count` bytes from `first` on, round and round."""

    first: u64
    count: u64
    bytes: Array[u8] = array(RING_BYTES)

    def is_full(self) -> bool:
        return self.count >= RING_BYTES

    def put(self, byte: u8) -> None:
        """Keep a byte, where there is room."""
        self.bytes[(self.first + self.count) % RING_BYTES] = byte
        self.count += 1

    def take(self) -> u8:
        """The oldest byte."""
        byte = self.bytes[self.first]
        self.first = (self.first + 1) % RING_BYTES
        self.count -= 1
        return byte


ring: Final = static(Ring)


@export("pith_main")
def main() -> None:
    device_store8(REGISTERS + UartRegister.FIFO_CONTROL, FIFO_ON)
    device_store8(REGISTERS + UartRegister.INTERRUPT_ENABLE, RECEIVE_INTERRUPT)
    message = recv(UartSlot.ENDPOINT, UartSlot.REPLY)
    while True:
        if message.badge & IRQ_BADGE:
            interrupt()
            message = recv(UartSlot.ENDPOINT, UartSlot.REPLY)
        elif message.info.label == ConsoleCall.WRITE:
            send_text(message)
            message = reply_recv(UartSlot.ENDPOINT, UartSlot.REPLY)
        elif message.info.label == ConsoleCall.READ:
            message = answer_read()
        else:
            refusal = MessageInfo(label=1)
            message = reply_recv(UartSlot.ENDPOINT, UartSlot.REPLY, refusal)


def interrupt() -> None:
    """Something arrived: take it off the device, let the line fire again, tell whoever listens.

    What the ring has no room for stays in the device, which then interrupts no more, and whose own buffer makes the
    other side wait: `answer_read` goes on from there.
    """
    while not ring.is_full() and device_load8(REGISTERS + UartRegister.LINE_STATUS) & DATA_READY:
        ring.put(device_load8(REGISTERS + UartRegister.DATA))
    if ring.is_full():
        device_store8(REGISTERS + UartRegister.INTERRUPT_ENABLE, 0)
    try:
        irq.ack(UartSlot.IRQ)
    except InvocationFailed:
        panic("the interrupt is not ours")
    notification.signal(UartSlot.TYPED)


def send_text(message: Message) -> None:
    """Send the bytes of a WRITE request: word 0 counts them, the others hold them."""
    words_to_buffer(message)
    text = Array[u8].at(ipc_buffer().words.address + 8, LINE_BYTES)
    for i in range(min(message.word0, LINE_BYTES)):
        if text[i] == ord("\n"):
            send_byte(ord("\r"))
        send_byte(text[i])


def send_byte(byte: u8) -> None:
    """Send one byte as soon as the device has room."""
    while device_load8(REGISTERS + UartRegister.LINE_STATUS) & ROOM_TO_SEND == 0:
        pass
    device_store8(REGISTERS + UartRegister.DATA, byte)


def answer_read() -> Message:
    """Answer a READ request with what was typed: a count, and the bytes in three words."""
    if ring.is_full():
        device_store8(REGISTERS + UartRegister.INTERRUPT_ENABLE, RECEIVE_INTERRUPT)
    count = min(ring.count, READ_BYTES)
    into = Array[u8].at(ipc_buffer().words.address, READ_BYTES)
    for i in range(count):
        into[i] = ring.take()
    words = ipc_buffer().words
    info = MessageInfo(length=4)
    return reply_recv(UartSlot.ENDPOINT, UartSlot.REPLY, info, count, words[0], words[1], words[2])
