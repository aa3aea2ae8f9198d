"""Declared errors: exceptions that compile to results.

    class InvalidCapability(Failure):
        argument: u64

    raise InvalidCapability(0)

On the metal, a function that may raise a Failure returns its class's number beside its result (0: none) and callers pass
it on; the fields wait in one static place until an `except` reads them. Every other exception of Python's
(OverflowError, IndexError, AssertionError, an attribute of None...) is a panic there: the machine stops
with the source line. Metal code never catches those.
"""

from __future__ import annotations

import dataclasses
from typing import Any, dataclass_transform


@dataclass_transform()
class Failure(Exception):
    """Base of declared errors; annotations become the constructor's parameters, in order."""

    __metal_kind__ = "failure"

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        dataclasses.dataclass(cls, eq=False)
