"""What compiled code knows about a check that failed: the record that the compiler gives to `pith_panic`.

A program that wants to say more than nothing defines that function: `@export("pith_panic") def panic(site: PanicSite, value:
u64) -> None`, which must not return.
"""

from __future__ import annotations

from .integers import u64
from .structs import Struct


class PanicSite(Struct):
    """A place in the source, and what was checked there. Texts by address and length."""

    file: u64
    file_length: u64
    line: u64
    reason: u64
    reason_length: u64
