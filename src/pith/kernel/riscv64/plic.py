"""The platform-level interrupt controller: which device interrupts, and when it may again.

An interrupt is claimed when it is taken and completed when the driver has acknowledged it; in between, its
gateway holds back further requests of the same line. RISC-V PLIC specification 1.0, chapter "Memory Map".
"""

from __future__ import annotations

from typing import Final

from pith.metal import u16, u32, u64
from pith.metal.machine import csr_set, device_load32, device_store32

from ..state import TIMER_IRQ, kernel
from .csr import SUPERVISOR_EXTERNAL

ENABLE: Final = 0x2000  # a bit per line; 0x80 bytes a context
THRESHOLD: Final = 0x200000  # 0x1000 bytes a context
CLAIM: Final = 0x200004


def initialise(base: u64, context: u32) -> None:
    """Use the controller whose registers the window shows at `base`; every line starts disabled."""
    kernel.plic = base
    kernel.plic_context = context
    for irq in range(1, TIMER_IRQ):
        device_store32(base + 4 * irq, 1)  # all lines of one priority, above the threshold
    for word in range(TIMER_IRQ // 32):
        device_store32(base + ENABLE + 0x80 * context + 4 * word, 0)
    device_store32(base + THRESHOLD + 0x1000 * context, 0)
    csr_set("sie", SUPERVISOR_EXTERNAL)


def set_enabled(irq: u16, enabled: bool) -> None:
    """Let line `irq` through, or not."""
    word = kernel.plic + ENABLE + 0x80 * kernel.plic_context + 4 * (irq // 32)
    bit = 1 << (irq % 32)
    lines = device_load32(word)
    device_store32(word, lines | bit if enabled else lines & ~bit)


def claim() -> u16:
    """Take the pending interrupt of highest priority; 0 if there is none."""
    return device_load32(kernel.plic + CLAIM + 0x1000 * kernel.plic_context)


def complete(irq: u16) -> None:
    """Let line `irq` interrupt again."""
    device_store32(kernel.plic + CLAIM + 0x1000 * kernel.plic_context, irq)
