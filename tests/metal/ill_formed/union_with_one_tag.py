"""A union whose members share a tag."""

from __future__ import annotations

from pith.metal import Packed, u32, u64


class A(Packed, bits=64, tag=1, tag_bits=2):
    x: u32


class B(Packed, bits=64, tag=1, tag_bits=2):
    x: u32


def f(a: A | B) -> u64:
    return 1
