"""Arguments: which argument of a call belongs to which parameter, in the order in which the source evaluates them."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from . import spelling
from .body import Body


@dataclass(frozen=True)
class Slot:
    """One parameter as a call sees it."""

    name: str
    required: bool
    positional: bool = True
    keyword: bool = True


@dataclass
class Given:
    """`nodes[i]` is what the call gives parameter i (None: nothing); `order` the given ones, as evaluated."""

    nodes: list[ast.expr | None]
    order: list[int]


def match_arguments(body: Body, call: ast.Call, slots: list[Slot], called: str) -> Given:
    """Give every argument of `call` its parameter; `called` is how messages name what is called."""
    given = Given([None] * len(slots), [])
    positions = [i for i, slot in enumerate(slots) if slot.positional]
    for argument, position in zip(call.args, positions, strict=False):
        given.nodes[position] = argument
        given.order.append(position)
    if len(call.args) > len(positions):
        body.reject(
            call,
            f"`{called}` takes {len(positions)} positional argument{'s' if len(positions) != 1 else ''}, "
            f"and {len(call.args)} {'are' if len(call.args) != 1 else 'is'} given",
            _listed(slots),
        )
    for keyword in call.keywords:
        _give_keyword(body, keyword, slots, given, called)
    for slot, node in zip(slots, given.nodes, strict=True):
        if node is None and slot.required:
            body.reject(call, f"`{called}` needs a value for `{slot.name}`", f"pass it: `{slot.name}=...`")
    return given


def _give_keyword(body: Body, keyword: ast.keyword, slots: list[Slot], given: Given, called: str) -> None:
    names = [slot.name for slot in slots if slot.keyword]
    if keyword.arg not in names:
        body.reject(
            keyword,
            f"`{called}` has no parameter `{keyword.arg}`",
            spelling.suggestion(keyword.arg or "", names, _listed(slots)),
        )
    position = next(i for i, slot in enumerate(slots) if slot.name == keyword.arg)
    if given.nodes[position] is not None:
        body.reject(keyword, f"`{keyword.arg}` is given twice", "leave one of the two out")
    given.nodes[position] = keyword.value
    given.order.append(position)


def _listed(slots: list[Slot]) -> str:
    if not slots:
        return "it takes no arguments"
    return "it takes " + ", ".join(slot.name for slot in slots)


def refuse_stars(body: Body, call: ast.Call) -> None:
    """`*` and `**` have no fixed number of arguments."""
    starred = [a for a in call.args if isinstance(a, ast.Starred)] + [
        k for k in call.keywords if k.arg is None
    ]
    if starred:
        body.reject(
            starred[0], "the number of arguments must be known when the program is compiled", "write them out"
        )
