"""The platform-level interrupt controller, as far as one core's supervisor mode goes (RISC-V PLIC specification 1.0).

Each source has a gateway. While its line is up and nobody handles it, the source is pending; to claim it takes it out of
pending until it is completed. A context sees the pending sources that it enabled and whose priority is above its threshold.
"""

from __future__ import annotations

from .board import INTERRUPT_CONTROLLER, INTERRUPT_SOURCES

PENDING, ENABLE, CONTEXT = 0x1000, 0x2000, 0x20_0000
ENABLE_STRIDE, CONTEXT_STRIDE = 0x80, 0x1000
CONTEXTS = 2  # machine mode and supervisor mode of the one core
SUPERVISOR = 1
WORDS = INTERRUPT_SOURCES // 32 + 1
WORD = 0xFFFF_FFFF
ALL = (2 << INTERRUPT_SOURCES) - 2  # every source, without 0


class Plic:
    """Sources 1.. to two contexts. A set of sources is an integer: bit n is source n."""

    span, sizes = INTERRUPT_CONTROLLER.size, (4,)

    def __init__(self) -> None:
        self.priority = [0] * (INTERRUPT_SOURCES + 1)
        self.lines = 0
        self.claimed = 0
        self.enabled = [0] * CONTEXTS
        self.threshold = [0] * CONTEXTS

    def set_line(self, source: int, up: bool) -> None:
        """A device raises or lowers its line."""
        self.lines = self.lines | 1 << source if up else self.lines & ~(1 << source)

    def listens(self, context: int = SUPERVISOR) -> bool:
        """Whether any source may interrupt `context`."""
        return self.enabled[context] != 0

    def best(self, context: int = SUPERVISOR) -> int:
        """The source that `context` would claim now: of the highest priority, the lowest number; 0 for none."""
        candidates = self.lines & ~self.claimed & self.enabled[context]
        chosen, priority = 0, self.threshold[context]
        while candidates:
            source = (candidates & -candidates).bit_length() - 1
            candidates &= candidates - 1
            if self.priority[source] > priority:
                chosen, priority = source, self.priority[source]
        return chosen

    def load(self, offset: int, size: int) -> int:
        word, context = offset // 4, (offset - CONTEXT) // CONTEXT_STRIDE
        if word <= INTERRUPT_SOURCES:
            return self.priority[word]
        if PENDING <= offset < PENDING + 4 * WORDS:
            return (self.lines & ~self.claimed) >> (offset - PENDING) * 8 & WORD
        if ENABLE <= offset < ENABLE + CONTEXTS * ENABLE_STRIDE:
            row, column = divmod(offset - ENABLE, ENABLE_STRIDE)
            return self.enabled[row] >> column * 8 & WORD
        if 0 <= context < CONTEXTS and offset % CONTEXT_STRIDE == 0:
            return self.threshold[context]
        if 0 <= context < CONTEXTS and offset % CONTEXT_STRIDE == 4:
            source = self.best(context)
            self.claimed |= (1 << source) & ALL
            return source
        return 0

    def store(self, offset: int, size: int, value: int) -> None:
        word, context = offset // 4, (offset - CONTEXT) // CONTEXT_STRIDE
        if 0 < word <= INTERRUPT_SOURCES:
            self.priority[word] = value & 7
        elif ENABLE <= offset < ENABLE + CONTEXTS * ENABLE_STRIDE:
            row, column = divmod(offset - ENABLE, ENABLE_STRIDE)
            others = self.enabled[row] & ~(WORD << column * 8)
            self.enabled[row] = (others | value << column * 8) & ALL
        elif 0 <= context < CONTEXTS and offset % CONTEXT_STRIDE == 0:
            self.threshold[context] = value & 7
        elif 0 <= context < CONTEXTS and offset % CONTEXT_STRIDE == 4 and value <= INTERRUPT_SOURCES:
            self.claimed &= ~(1 << value)
