"""A constant of a module assigned."""

from __future__ import annotations


class Config:
    limit = 3


def f() -> None:
    Config.limit = 4
