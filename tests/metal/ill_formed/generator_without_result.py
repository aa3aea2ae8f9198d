"""A generator that does not say what it returns is told that it is one."""

from __future__ import annotations

def f():
    yield 1


async def g():
    pass
