"""A field that no class of a union has."""

from __future__ import annotations

from pith.metal import Packed, u8, u64


class Page(Packed, bits=64, tag=1, tag_bits=2):
    size: u8


class Table(Packed, bits=64, tag=2, tag_bits=2):
    size: u8


def f(entry: Page | Table) -> u64:
    return entry.siez
