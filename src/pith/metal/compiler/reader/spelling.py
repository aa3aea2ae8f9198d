"""Names that were not found: the nearest one that there is, else what there is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import pith.metal

MOST_LISTED = 12
PLAINLY = "import it plainly, not under TYPE_CHECKING"  # what only type checkers see is not there at run time


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """The remedy for a name that is not among the known ones; `otherwise` when none of them is near."""
    found = nearest(name, known)
    return f"did you mean `{found}`?" if found else otherwise


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was meant, if one is near; a difference in case only is nearest of all."""
    candidates = list(dict.fromkeys(known))
    same = [candidate for candidate in candidates if candidate.lower() == name.lower()]
    return next(iter(same or difflib.get_close_matches(name, candidates, n=1)), None)


def listed(names: Iterable[str]) -> str:
    """Names in a sentence, not more than one reads."""
    every = list(dict.fromkeys(names))
    if len(every) <= MOST_LISTED:
        return ", ".join(every)
    return f"{', '.join(every[:MOST_LISTED])} and {len(every) - MOST_LISTED} more"


def where_defined(name: str | None, known: Iterable[str], how: str = "import it") -> str:
    """What to do about a name that is not known: import it, or spell it as one that is; empty when there is no telling."""
    if name in vars(pith.metal):
        return f"{how}: `from pith.metal import {name}`"
    public = [other for other in known if not other.startswith("_")]
    return suggestion(name or "", [*public, "bool", "str"], "")
