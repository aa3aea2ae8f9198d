"""A constant index beyond the end."""

from __future__ import annotations

from pith.metal import Array, Struct, array, u64


class Table(Struct):
    words: Array[u64] = array(4)


def f(table: Table) -> u64:
    return table.words[4]
