"""Text compared."""

from __future__ import annotations


def f(name: str) -> bool:
    return name == "idle"
