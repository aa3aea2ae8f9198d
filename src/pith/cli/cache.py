"""`pith cache`: what the cache holds, and emptying it."""

import time
from typing import Annotated

import typer

from pith import UserError, cache_directory


def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove all that is in it; whoever needs it makes it again.")
    ] = False,
) -> None:
    """Say where compiled programs are kept, how many and how large they are, and how large they may grow."""
    from pith.metal.compiler import cache as kept

    place = next((p for p in (cache_directory() / "compiled", cache_directory()) if p.exists()), None)
    if place is not None and not place.is_dir():
        raise UserError(
            f"{place} is no directory: nothing is kept",
            "remove it, or name another: export PITH_CACHE=/a/directory",
        )
    if clear:
        removed = kept.clear()
        print(f"{cache_directory()}: removed {amount(len(removed), sum(entry.size for entry in removed))}")
        return
    entries = kept.entries()
    print(f"directory  {cache_directory()}  (PITH_CACHE names another)")
    print(f"holds      {amount(len(entries), sum(entry.size for entry in entries))}")
    print(f"limit      {mebibytes(kept.LIMIT)}; what was used longest ago goes first")
    if entries:
        print(f"oldest     {ago(time.time() - entries[-1].used)}")
    print("to empty   pith cache --clear")


def amount(count: int, size: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}, {mebibytes(size)}"


def mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def ago(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"used {seconds // length:.0f} {unit} ago"
    return "used just now"
