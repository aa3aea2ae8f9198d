"""The serial line: a 16550 whose transmitter is infinitely fast and whose receiver never overruns.

Input waits on the line, outside, until the program has read what came before; so no byte is ever lost, and how fast a
person or a pipe writes does not change what the program sees.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

RECEIVE_ENABLE, TRANSMIT_ENABLE = 1, 2
DIVISOR_LATCH = 0x80
DATA_READY, TRANSMITTER_EMPTY = 0x01, 0x60
NO_INTERRUPT, TRANSMIT_INTERRUPT, RECEIVE_INTERRUPT = 1, 2, 4
FIFOS_ENABLED = 0xC0
MODEM_READY = 0xB0  # carrier, data set and clear to send


class Uart:
    """`output` gets each byte that the program sends; `set_line` is the interrupt line."""

    span, sizes = 8, (1, 2, 4, 8)  # wider accesses are of one register

    def __init__(self, output: Callable[[int], None], set_line: Callable[[bool], None]) -> None:
        self.output = output
        self.set_line = set_line
        self.waiting: deque[int] = deque()
        self.transmit_interrupt = False
        self.interrupt_enable = 0
        self.fifo_control = 0
        self.line_control = 0
        self.modem_control = 0
        self.scratch = 0
        self.divisor = [0, 0]

    def receive(self, data: bytes) -> None:
        """Input from outside."""
        self.waiting.extend(data)
        self._update()

    def interrupt(self) -> int:
        """What the interrupt identification register says."""
        if self.waiting and self.interrupt_enable & RECEIVE_ENABLE:
            return RECEIVE_INTERRUPT
        if self.transmit_interrupt and self.interrupt_enable & TRANSMIT_ENABLE:
            return TRANSMIT_INTERRUPT
        return NO_INTERRUPT

    def _update(self) -> None:
        self.set_line(self.interrupt() != NO_INTERRUPT)

    def load(self, offset: int, size: int) -> int:
        if self.line_control & DIVISOR_LATCH and offset in (0, 1):
            return self.divisor[offset]
        match offset:
            case 0:
                value = self.waiting.popleft() if self.waiting else 0
                self._update()
                return value
            case 1:
                return self.interrupt_enable
            case 2:
                reason = self.interrupt()
                if reason == TRANSMIT_INTERRUPT:  # reading it is the answer to it
                    self.transmit_interrupt = False
                    self._update()
                return reason | (FIFOS_ENABLED if self.fifo_control & 1 else 0)
            case 3:
                return self.line_control
            case 4:
                return self.modem_control
            case 5:
                return TRANSMITTER_EMPTY | (DATA_READY if self.waiting else 0)
            case 6:
                return MODEM_READY
            case 7:
                return self.scratch
        return 0

    def store(self, offset: int, size: int, value: int) -> None:
        value &= 0xFF
        if self.line_control & DIVISOR_LATCH and offset in (0, 1):
            self.divisor[offset] = value
            return
        match offset:
            case 0:
                self.output(value)
                self.transmit_interrupt = True
            case 1:
                if value & ~self.interrupt_enable & TRANSMIT_ENABLE:
                    self.transmit_interrupt = True  # the transmitter is empty already
                self.interrupt_enable = value & 0x0F
            case 2:
                self.fifo_control = value
            case 3:
                self.line_control = value
            case 4:
                self.modem_control = value
            case 7:
                self.scratch = value
        self._update()
