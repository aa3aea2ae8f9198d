"""`address`, misspelled, of a struct with many fields."""

from __future__ import annotations

from pith.metal import Struct, u8, u64


class Many(Struct):
    field0: u8
    field1: u8
    field2: u8
    field3: u8
    field4: u8
    field5: u8
    field6: u8
    field7: u8
    field8: u8
    field9: u8
    field10: u8
    field11: u8
    field12: u8
    field13: u8

    def clear(self) -> None:
        self.field0 = 0


def f(many: Many) -> u64:
    return many.adress


def g(many: Many) -> None:
    many.claer()


def h(many: Many) -> u64:
    return many.zone
