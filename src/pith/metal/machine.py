"""What metal code may ask of the bare machine, and who answers when it runs under CPython.

On the metal each function here is an instruction or two. Under CPython they go to the `Processor` that the hosted machine
installed. Addresses are those that the code itself uses (virtual); values are 64-bit words unless the name says less.
"""

from __future__ import annotations

from typing import NoReturn, Protocol

from . import memory
from .functions import intrinsic
from .integers import u8, u32, u64


class Panic(Exception):
    """The metal stopped itself: the text says why."""


class Processor(Protocol):
    """The processor under the code, as the hosted machine models it."""

    def csr_read(self, name: str) -> int: ...
    def csr_write(self, name: str, value: int) -> None: ...
    def sbi_call(
        self, extension: int, function: int, argument0: int, argument1: int, argument2: int
    ) -> tuple[int, int]: ...
    def device_load(self, address: int, size: int) -> int: ...
    def device_store(self, address: int, size: int, value: int) -> None: ...
    def translation_fence(self, address: int | None, asid: int | None) -> None: ...
    def wait_for_interrupt(self) -> None: ...
    def instruction_fence(self) -> None: ...
    def end_reservation(self) -> None: ...
    def symbol(self, name: str) -> int: ...
    def save_float(self, address: int) -> None: ...
    def restore_float(self, address: int) -> None: ...
    def system_call(self, registers: tuple[int, ...]) -> tuple[int, ...]: ...


class _NoProcessor:
    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(f"{name}: no processor is installed; run this on a machine (pith.machine)")


processor: Processor = _NoProcessor()


def install(new: Processor) -> None:
    """Make `new` the processor that answers metal code under CPython."""
    global processor
    processor = new


@intrinsic("csr_read")
def csr_read(name: str) -> u64:
    """The control and status register `name` (a constant: "scause")."""
    return processor.csr_read(name)


@intrinsic("csr_write")
def csr_write(name: str, value: u64) -> None:
    """Write a control and status register."""
    processor.csr_write(name, value)


@intrinsic("csr_set")
def csr_set(name: str, mask: u64) -> None:
    """Set the bits of `mask` in a control and status register."""
    processor.csr_write(name, processor.csr_read(name) | mask)


@intrinsic("csr_clear")
def csr_clear(name: str, mask: u64) -> None:
    """Clear the bits of `mask` in a control and status register."""
    processor.csr_write(name, processor.csr_read(name) & ~mask)


@intrinsic("csr_read_and_clear")
def csr_read_and_clear(name: str, mask: u64) -> u64:
    """Clear the bits of `mask` in a control and status register; what it was before."""
    before = processor.csr_read(name)
    processor.csr_write(name, before & ~mask)
    return before


@intrinsic("sbi_call")
def sbi_call(
    extension: u64, function: u64, argument0: u64, argument1: u64, argument2: u64
) -> tuple[u64, u64]:
    """Ask the firmware; returns (error, value). SBI specification 2.0, chapter 3."""
    return processor.sbi_call(extension, function, argument0, argument1, argument2)


@intrinsic("device_load8")
def device_load8(address: u64) -> u8:
    """Read a device register of one byte."""
    return processor.device_load(address, 1)


@intrinsic("device_load32")
def device_load32(address: u64) -> u32:
    """Read a device register of four bytes."""
    return processor.device_load(address, 4)


@intrinsic("device_load64")
def device_load64(address: u64) -> u64:
    """Read a device register of eight bytes."""
    return processor.device_load(address, 8)


@intrinsic("device_store8")
def device_store8(address: u64, value: u8) -> None:
    """Write a device register of one byte."""
    processor.device_store(address, 1, value)


@intrinsic("device_store32")
def device_store32(address: u64, value: u32) -> None:
    """Write a device register of four bytes."""
    processor.device_store(address, 4, value)


@intrinsic("device_store64")
def device_store64(address: u64, value: u64) -> None:
    """Write a device register of eight bytes."""
    processor.device_store(address, 8, value)


@intrinsic("fence")
def fence() -> None:
    """Order every memory and device access before this point before those after it."""


@intrinsic("fence_instructions")
def fence_instructions() -> None:
    """Make stores visible to instruction fetch (`fence.i`)."""
    processor.instruction_fence()


@intrinsic("fence_translations")
def fence_translations() -> None:
    """Forget every cached translation (`sfence.vma`)."""
    processor.translation_fence(None, None)


@intrinsic("fence_translation")
def fence_translation(address: u64, asid: u64) -> None:
    """Forget the cached translation of one page in one address space (`sfence.vma address, asid`)."""
    processor.translation_fence(address, asid)


@intrinsic("fence_address_space")
def fence_address_space(asid: u64) -> None:
    """Forget every cached translation of one address space (`sfence.vma x0, asid`)."""
    processor.translation_fence(None, asid)


@intrinsic("end_reservation")
def end_reservation(address: u64) -> None:
    """End the reservation that `lr` made, whoever did: `sc.d` of 0 to the aligned word at `address`.

    That word must be 0 already, for the processor may store it: how much of memory a reservation covers is the
    processor's choice. Unprivileged specification, "Load-Reserved/Store-Conditional Instructions".
    """
    assert load_u64(address) == 0
    processor.end_reservation()


@intrinsic("wait_for_interrupt")
def wait_for_interrupt() -> None:
    """Sleep until an interrupt is pending (`wfi`)."""
    processor.wait_for_interrupt()


@intrinsic("load_u64")
def load_u64(address: u64) -> u64:
    """The aligned 64-bit word at `address`."""
    return memory.view_u64[memory.offset_of(address, 8, 8) >> 3]


@intrinsic("store_u64")
def store_u64(address: u64, value: u64) -> None:
    """Write the aligned 64-bit word at `address`."""
    memory.view_u64[memory.offset_of(address, 8, 8) >> 3] = value


@intrinsic("load_u8")
def load_u8(address: u64) -> u8:
    """The byte at `address`."""
    return memory.view_u8[memory.offset_of(address, 1, 1)]


@intrinsic("store_u8")
def store_u8(address: u64, value: u8) -> None:
    """Write the byte at `address`."""
    memory.view_u8[memory.offset_of(address, 1, 1)] = value


@intrinsic("zero_memory")
def zero_memory(address: u64, length: u64) -> None:
    """Clear `length` bytes from `address`, both multiples of 8."""
    offset = memory.offset_of(address, length, 8)
    place, zeros = memory.view_u8[offset : offset + length], bytes(length)
    if place.tobytes() != zeros:  # what the host never wrote it need not have: reading takes no memory of it
        place[:] = zeros


@intrinsic("copy_memory")
def copy_memory(to: u64, source: u64, length: u64) -> None:
    """Copy `length` bytes between places that do not overlap; all multiples of 8."""
    into, outof = memory.offset_of(to, length, 8), memory.offset_of(source, length, 8)
    memory.view_u8[into : into + length] = memory.view_u8[outof : outof + length]


@intrinsic("static_address")
def static_address(symbol: str) -> u64:
    """The address of a symbol (a constant name): the linker's, such as the end of the kernel's image, or one's own export."""
    return processor.symbol(symbol)


@intrinsic("panic")
def panic(reason: str) -> NoReturn:
    """Stop: the program found itself in a state that must not be."""
    raise Panic(reason)


@intrinsic("system_call")
def system_call(
    number: u64, a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64, a6: u64
) -> tuple[u64, u64, u64, u64, u64, u64, u64]:
    """`ecall` with `number` in a7; returns a0..a6 as the kernel left them. For user programs."""
    return processor.system_call((a0, a1, a2, a3, a4, a5, a6, number))  # type: ignore[return-value]


def on_metal() -> bool:
    """Whether this is compiled code: the constant True there, False under CPython."""
    return False


on_metal.__metal_intrinsic__ = "on_metal"  # type: ignore[attr-defined]
