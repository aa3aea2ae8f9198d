"""A class that the union does not have."""

from __future__ import annotations

from pith.metal import Packed, bits, u32, u40, u64


class Empty(Packed, bits=64, tag=0, tag_bits=4):
    pass


class Port(Packed, bits=64, tag=1, tag_bits=4):
    badge: u32


class Page(Packed, bits=64, tag=2, tag_bits=4):
    frame: u40 = bits(at=8)


Cap = Empty | Port | Page


class Other(Packed, bits=64):
    x: u32


def f(cap: Cap) -> u64:
    match cap:
        case Other():
            return 1
        case _:
            return 3
