"""How many bytes a kernel is: code, constants, data in its ELF, and each object that it is asked for."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from pith.abi import objects as abi
from pith.kernel import objects
from pith.metal import Struct, size_of


class Kind(StrEnum):
    """What a section of an ELF holds."""

    CODE = "code"
    CONSTANTS = "constants"
    DATA = "data"
    ZEROED = "zeroed data"


class ObjectSize(NamedTuple):
    """A kernel object: the bytes that it takes from its untyped, and how many of them Pith has a use for."""

    name: str
    taken: int
    used: int


def sections(kernel: Path) -> dict[Kind, int]:
    """The bytes of each kind of section that stands in memory."""
    found = dict.fromkeys(Kind, 0)
    with kernel.open("rb") as stream:
        for section in ELFFile(stream).iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                found[_kind(section)] += section["sh_size"]
    return found


def _kind(section: Any) -> Kind:
    if section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
        return Kind.CODE
    if not section["sh_flags"] & SH_FLAGS.SHF_WRITE:
        return Kind.CONSTANTS
    return Kind.ZEROED if section["sh_type"] == "SHT_NOBITS" else Kind.DATA


def used(struct: type[Struct]) -> int:
    """Bytes from a struct's first field to the end of its last."""
    fields = struct.layout().fields.values()
    return max(field.offset + field.type.size for field in fields)


OBJECTS: Final = (
    ObjectSize("slot of a CNode", 1 << abi.SLOT_BITS, used(objects.Slot)),
    ObjectSize("thread (TCB)", 1 << abi.TCB_BITS, used(objects.Thread)),
    ObjectSize("endpoint", 1 << abi.ENDPOINT_BITS, used(objects.Endpoint)),
    ObjectSize("notification", 1 << abi.NOTIFICATION_BITS, used(objects.Notification)),
    ObjectSize("reply", 1 << abi.REPLY_BITS, used(objects.Reply)),
    ObjectSize(
        "scheduling context, at least",
        1 << abi.MIN_SCHED_CONTEXT_BITS,
        size_of(objects.SchedContext) + objects.MIN_REFILLS * size_of(objects.Refill),
    ),
    ObjectSize("page table", 1 << abi.PAGE_TABLE_BITS, used(objects.PageTable)),
    ObjectSize("ASID pool", 1 << abi.ASID_POOL_BITS, used(objects.ASIDPool)),
)
