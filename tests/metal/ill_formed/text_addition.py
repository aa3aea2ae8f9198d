"""Text made by addition."""

from __future__ import annotations


def greet(name: str) -> str:
    return "hello " + name
