"""A class, misspelled: in isinstance, in a case, in `raise` and in `except`."""

from __future__ import annotations

from pith.metal import Failure, Packed, u8, u64


class Full(Failure):
    pass


class Page(Packed, bits=64, tag=1, tag_bits=2):
    size: u8


class Table(Packed, bits=64, tag=2, tag_bits=2):
    size: u8


def f(entry: Page | Table) -> bool:
    return isinstance(entry, Pgae)


def g(entry: Page | Table) -> u64:
    match entry:
        case Tabel():
            return 1
        case Page():
            return 2
    return 0


def h() -> None:
    raise Ful()


def i() -> None:
    try:
        h()
    except Ful:
        pass
