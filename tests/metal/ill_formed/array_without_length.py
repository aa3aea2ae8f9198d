"""An array field without a length."""

from __future__ import annotations

from pith.metal import Array, Struct, u64


class Table(Struct):
    words: Array[u64]


def f(table: Table) -> u64:
    return table.words[0]
