"""The ELF reader believes nothing: every field that the loader relies on is refused when it is wrong."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pith.metal import Array, u8
from pith.runtime import elf
from pith.runtime.elf import BadElf, Reason
from tests import arena
from tests.runtime.elves import CODE, DATA, EXECUTE, READ, WRITE, Image

BASE = 0x5000_0000
U8Array = Array[u8]


def image_in_memory(data: bytes) -> Array[u8]:
    """The image as the loader sees it."""
    arena.attach(BASE, 4096, data)
    return U8Array.at(BASE, len(data))


def reason(data: bytes) -> Reason | None:
    """Why the image is refused; None if it is not."""
    try:
        elf.check(image_in_memory(data))
    except BadElf as bad:
        return bad.reason
    return None


GOOD = Image()


def test_a_good_image_is_accepted_and_read() -> None:
    image = image_in_memory(GOOD.bytes())
    elf.check(image)
    assert elf.header(image).entry == 0x10000
    data = elf.segment(image, 1)
    assert (data.virtual_address, data.file_size, data.memory_size) == (0x12010, 20, 9000)
    assert (elf.first_page(data), elf.end_page(data)) == (0x12000, 0x15000)
    assert bytes(image.part(data.offset, data.file_size)) == b"data" * 5


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (GOOD.but(magic=b"\x7fELG"), Reason.NOT_ELF),
        (GOOD.but(file_class=1), Reason.NOT_64_BIT_LITTLE_ENDIAN),
        (GOOD.but(byte_order=2), Reason.NOT_64_BIT_LITTLE_ENDIAN),
        (GOOD.but(machine=62), Reason.NOT_RISCV),
        (GOOD.but(file_type=3), Reason.NOT_EXECUTABLE),
        (GOOD.but(segment_size=32), Reason.SEGMENT_TABLE_OUTSIDE),
        (GOOD.but(segment_table=60), Reason.SEGMENT_TABLE_OUTSIDE),
        (GOOD.but(segment_table=1 << 40), Reason.SEGMENT_TABLE_OUTSIDE),
        (GOOD.but(segment_table=(1 << 64) - 56), Reason.SEGMENT_TABLE_OUTSIDE),
        (GOOD.but(count=17), Reason.TOO_MANY_SEGMENTS),
        (GOOD.but(segments=(replace(CODE, offset=5000),)), Reason.SEGMENT_OUTSIDE_FILE),
        (GOOD.but(segments=(replace(CODE, offset=(1 << 64) - 8),)), Reason.SEGMENT_OUTSIDE_FILE),
        (GOOD.but(segments=(replace(CODE, memory=8),)), Reason.SEGMENT_LARGER_IN_FILE),
        (GOOD.but(segments=(CODE, replace(DATA, address=0))), Reason.ADDRESS_NOT_ALLOWED),
        (GOOD.but(segments=(CODE, replace(DATA, address=1 << 36))), Reason.ADDRESS_NOT_ALLOWED),
        (GOOD.but(segments=(CODE, replace(DATA, memory=(1 << 64) - 1))), Reason.ADDRESS_NOT_ALLOWED),
        (
            GOOD.but(segments=(replace(CODE, flags=READ | WRITE | EXECUTE),)),
            Reason.WRITABLE_AND_EXECUTABLE,
        ),
        (GOOD.but(segments=(CODE, replace(DATA, address=0x10FF0))), Reason.SEGMENTS_SHARE_PAGE),
        (GOOD.but(segments=(DATA, replace(CODE, address=0x14000))), Reason.SEGMENTS_SHARE_PAGE),
        (GOOD.but(entry=0x12010), Reason.ENTRY_OUTSIDE),
        (GOOD.but(entry=0x10000 + 1200), Reason.ENTRY_OUTSIDE),
        (GOOD.but(segments=(replace(CODE, type=4),)), Reason.NOTHING_TO_LOAD),
        (GOOD.but(segments=()), Reason.NOTHING_TO_LOAD),
    ],
    ids=lambda case: case.name if isinstance(case, Reason) else "",
)
def test_what_is_wrong_is_named(image: Image, expected: Reason) -> None:
    assert reason(image.bytes()) is expected


def test_a_segment_that_takes_no_memory_is_not_looked_at() -> None:
    notes = replace(CODE, type=4, offset=1 << 50)
    assert reason(GOOD.but(segments=(CODE, notes)).bytes()) is None


@pytest.mark.parametrize("length", [0, 4, 63])
def test_a_stump_is_refused(length: int) -> None:
    assert reason(GOOD.bytes()[:length]) is Reason.TOO_SHORT


@settings(max_examples=400, deadline=None)
@given(
    st.integers(0, 64 + 2 * 56 - 1),
    st.binary(min_size=1, max_size=8),
    st.integers(0, len(GOOD.bytes())),
)
def test_no_damage_leads_outside_the_image(at: int, damage: bytes, length: int) -> None:
    data = bytearray(GOOD.bytes())
    data[at : at + len(damage)] = damage
    whole = image_in_memory(bytes(data[:length] if at % 3 == 0 else data))
    try:
        elf.check(whole)
    except BadElf:
        return
    for i in range(elf.header(whole).segment_count):
        entry = elf.segment(whole, i)
        if elf.is_loaded(entry):
            whole.part(entry.offset, entry.file_size)  # raises IndexError outside
            assert entry.file_size <= entry.memory_size
            assert 4096 <= entry.virtual_address <= elf.end_page(entry) <= elf.HIGHEST_ADDRESS
