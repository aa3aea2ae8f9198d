"""Loading a component: every byte of its image lands where its ELF says, zeros elsewhere, rights as its segments have them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from pith.abi.labels import Label
from pith.metal import Array, memory, u8
from pith.runtime.capability import READ, READ_WRITE
from pith.runtime.component import Component, State, supervisor
from pith.runtime.elf import BadElf
from pith.runtime.page import EXECUTABLE, NOT_EXECUTABLE
from tests.runtime.conftest import RecordingProcessor, Trap
from tests.runtime.elves import CODE, DATA, Image

Bytes = Array[u8]
PAGE = 4096
OWN_SPACE, SPACE = 3, 900


class Mapped(NamedTuple):
    content: bytes
    rights: int
    attributes: int


class Kernel:
    """Follows frames: what is written through the scratch page belongs to the frame that is mapped there."""

    def __init__(self, scratch: int) -> None:
        self.scratch = scratch
        self.at_scratch: int | None = None
        self.frames: dict[int, bytes] = {}
        self.mapped: dict[int, Mapped] = {}

    def answer(self, trap: Trap) -> tuple[int, ...]:
        start = self.scratch - memory.base
        if trap.info.label == Label.PAGE_MAP and trap.caps == [OWN_SPACE]:
            assert (self.at_scratch, trap.words[0]) == (None, self.scratch)
            self.at_scratch = trap.cap
            memory.buffer[start : start + PAGE] = bytes(PAGE)
        elif trap.info.label == Label.PAGE_UNMAP:
            assert self.at_scratch == trap.cap
            self.frames[trap.cap] = bytes(memory.buffer[start : start + PAGE])
            self.at_scratch = None
        elif trap.info.label == Label.PAGE_MAP:
            assert trap.caps == [SPACE] and trap.words[0] not in self.mapped and self.at_scratch is None
            content = self.frames.get(trap.cap, bytes(PAGE))
            self.mapped[trap.words[0]] = Mapped(content, trap.words[1], trap.words[2])
        return (0,) * 7


@pytest.fixture
def kernel(processor: RecordingProcessor, free_memory: int) -> Kernel:
    made = Kernel(free_memory)
    processor.answer = made.answer
    supervisor.pool.stock(300, 20, 1000, 200)
    supervisor.space.adopt(OWN_SPACE, supervisor.pool)
    supervisor.scratch = free_memory
    return made


def component_at(free_memory: int, number: int = 0) -> Component:
    return Component.at(free_memory + 2 * PAGE + number * 1024)


def load(free_memory: int, image: Image) -> Component:
    data = image.bytes()
    at = free_memory + 4 * PAGE
    memory.buffer[at - memory.base : at - memory.base + len(data)] = data
    component = component_at(free_memory, 1)
    component.pool.stock(400, 20, 2000, 200)
    component.space.adopt(SPACE, component.pool)
    component.load(Bytes.at(at, len(data)))
    return component


@pytest.mark.parametrize("shift", [0, 1, 8, 16, 4090])
@pytest.mark.parametrize("length", [0, 1, 7, 20, 4096, 9000])
def test_every_byte_lands_where_the_image_says(
    shift: int, length: int, kernel: Kernel, free_memory: int
) -> None:
    content = bytes(1 + i % 255 for i in range(length))
    data = replace(DATA, address=0x12000 + shift, data=content, memory=9500)
    load(free_memory, Image(segments=(CODE, data)))
    pages = range(0x12000, 0x12000 + shift + 9500, PAGE)
    assert [a for a in kernel.mapped if a >= 0x12000] == list(pages)
    whole = b"".join(kernel.mapped[a].content for a in pages)
    assert whole == bytes(shift) + content + bytes(len(whole) - shift - length)


def test_rights_are_the_segments(kernel: Kernel, free_memory: int) -> None:
    constants = replace(CODE, address=0x16000, flags=4, data=b"fixed")
    load(free_memory, Image(segments=(CODE, DATA, constants)))
    rights = {address: (m.rights, m.attributes) for address, m in kernel.mapped.items()}
    assert rights[0x10000] == (READ.bits, EXECUTABLE)
    assert rights[0x12000] == (READ_WRITE.bits, NOT_EXECUTABLE)
    assert rights[0x16000] == (READ.bits, NOT_EXECUTABLE)


def test_the_entry_is_remembered(kernel: Kernel, free_memory: int) -> None:
    assert load(free_memory, Image(entry=0x10010)).entry == 0x10010


def test_a_bad_image_is_refused_before_anything_is_done(
    kernel: Kernel, processor: RecordingProcessor, free_memory: int
) -> None:
    with pytest.raises(BadElf):
        load(free_memory, Image(machine=62))
    assert processor.traps == []


def test_a_killed_component_can_be_made_again(
    kernel: Kernel, processor: RecordingProcessor, free_memory: int
) -> None:
    component = component_at(free_memory, 1)
    component.create("again", 5, 18)
    first = (component.cnode, component.thread, component.memory)
    component.kill()
    assert component.state is State.KILLED
    revoke = next(t for t in reversed(processor.traps) if t.info.label == Label.CNODE_REVOKE)
    assert revoke.words[0] == component.memory
    component.create("again", 5, 18)
    assert (component.cnode, component.thread, component.memory) == first
    assert bytes(component.name).rstrip(b"\0") == b"again"
