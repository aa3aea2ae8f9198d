"""The invariants, checked whenever the kernel gives the processor away.

The hosted machine enters the kernel through `watched(handle_trap)`, which is handle_trap itself unless the
environment says otherwise: PITH_CHECK_INVARIANTS=1 checks after every kernel exit, =100 after every hundredth. Tests
that call kernel functions themselves wrap them with `checked`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from pith import UserError

from .check import Checker

VARIABLE = "PITH_CHECK_INVARIANTS"

P = ParamSpec("P")
R = TypeVar("R")


def watched(enter: Callable[P, R]) -> Callable[P, R]:
    """`enter`, with the invariants checked as often afterwards as the environment asks."""
    text = os.environ.get(VARIABLE, "0") or "0"
    if not text.isdecimal():
        raise UserError(
            f"{VARIABLE} is `{text}`, which is no number", f"{VARIABLE}=1: check after every kernel exit"
        )
    return checked(enter, every=int(text)) if int(text) else enter


def checked(enter: Callable[P, R], every: int = 1) -> Callable[P, R]:
    """`enter`, with the invariants required to hold after every so many calls. Raises InvariantsViolated."""
    calls, checker = 0, Checker()

    @wraps(enter)
    def enter_and_check(*arguments: P.args, **keywords: P.kwargs) -> R:
        nonlocal calls
        result = enter(*arguments, **keywords)
        calls += 1
        if calls % every == 0:
            shown = ", ".join(f"{a:#x}" if isinstance(a, int) else repr(a) for a in arguments)
            checker.require(f"after kernel entry {calls}, {enter.__name__}({shown})")
        return result

    return enter_and_check
