"""Single functions out of the text of a whole program, at any stage: `pith compile --only`.

A program is all that its roots reach, so its text is long. What each stage writes at the head and the end of a function is told
by the patterns below; they follow `show_tree.py`, `ir.py`, `llvm.py`, and what clang prints.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from pith import UserError

FUNCTION: Final = {  # by stage: a whole function, its symbol as the group
    "tree": re.compile(r"^def (.+?)\(.*\n(?:    .*\n)*", re.MULTILINE),
    "ir": re.compile(r"^function @(.+?)\(.*\n(?: .*\n)*", re.MULTILINE),
    "llvm": re.compile(r'^define .*?@"?([^"(]+)"?\((?:.*\n)+?}\n', re.MULTILINE),
    "asm": re.compile(r'^"?([\w.$][^:"\n]*)"?: +# @.*\n(?:.*\n)*?(?=\t\.size)', re.MULTILINE),
}


def part(text: str, stage: str, wanted: str) -> str:
    """The functions called `wanted`: a symbol, the end of one behind a point, or all of a module.

    Raises UserError if there is none.
    """
    found = {match[1]: match[0] for match in FUNCTION[stage].finditer(text)}
    chosen = [body for symbol, body in found.items() if _is_meant(symbol, wanted)]
    if chosen:
        return "\n".join(chosen)
    names = dict.fromkeys([*found, *(symbol.rpartition(".")[2] for symbol in found)])
    near = get_close_matches(wanted, names, n=3, cutoff=0.5)
    reason = f"the program has no function `{wanted}`" + (" after inlining" if stage == "asm" else "")
    raise UserError(reason, f"one of {', '.join(near)}" if near else "without --only all are shown")


def _is_meant(symbol: str, wanted: str) -> bool:
    plain = symbol.partition("[")[0]  # a generic function has its types behind it
    return wanted in (symbol, plain) or plain.endswith(f".{wanted}") or plain.startswith(f"{wanted}.")
