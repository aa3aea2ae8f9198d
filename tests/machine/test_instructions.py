"""Decoding, as far as the hosted machine and the benchmark's traces need it."""

from __future__ import annotations

import pytest

from pith.machine import instructions


@pytest.mark.parametrize(
    "instruction, load, store",
    [
        (0x0005_3503, True, False),  # ld a0, 0(a0)
        (0x0005_2507, True, False),  # flw
        (0x00A5_3023, False, True),  # sd a0, 0(a0)
        (0x00A5_3027, False, True),  # fsd
        (0x1005_252F, True, False),  # lr.w
        (0x00B5_252F, True, True),  # amoadd.w
        (0x6108, True, False),  # c.ld a0, 0(a0)
        (0x6502, True, False),  # c.ldsp a0, 0(sp)
        (0xE108, False, True),  # c.sd
        (0xE02A, False, True),  # c.sdsp
        (0x0505, False, False),  # c.addi
        (0x8082, False, False),  # c.jr ra
        (0x0000_0013, False, False),  # nop
        (0x3025_2573, False, False),  # csrrs
    ],
)
def test_loads_and_stores_are_told_from_all_else(instruction: int, load: bool, store: bool) -> None:
    """An atomic operation counts as a store."""
    access = instructions.access(instruction)
    assert (access is not None, access is not None and access.is_write) == (load or store, store)


@pytest.mark.parametrize(
    "instruction, expected",
    [
        (0xFF85_3503, (10, -8, 8, 10, False)),  # ld a0, -8(a0)
        (0x0045_C583, (11, 4, 1, 11, True)),  # lbu a1, 4(a1)
        (0x02A1_1423, (2, 40, 2, 10, False)),  # sh a0, 40(sp)
        (0x4108, (10, 0, 4, 10, False)),  # c.lw a0, 0(a0)
        (0x70A6, (2, 104, 8, 1, False)),  # c.ldsp ra, 104(sp)
        (0xF486, (2, 104, 8, 1, False)),  # c.sdsp ra, 104(sp)
        (0x1005_252F, (10, 0, 4, 10, False)),  # lr.w a0, (a0)
    ],
)
def test_an_access_is_told_whole(instruction: int, expected: tuple[int, int, int, int, bool]) -> None:
    access = instructions.access(instruction)
    assert access is not None
    assert (access.base, access.offset, access.size, access.register, access.is_unsigned) == expected


def test_an_address_wraps_at_the_end_of_all_addresses() -> None:
    access = instructions.access(0x0085_3503)  # ld a0, 8(a0)
    assert access is not None and access.address([0] * 9 + [(1 << 64) - 8]) == 0
