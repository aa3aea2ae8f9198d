"""Which failures a function may let out, and where a program calls itself: both follow from the calls alone.

A function's effects are its raises, its calls and its `try`s, taken from its tree once. What may come out of each
function then grows from round to round over the whole program until nothing changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...failures import Failure
from .. import tree
from ..diagnostics import Diagnostic, diagnose, shown_path


@dataclass
class Guarded:
    """A `try`: what happens inside, in each handler, and behind."""

    body: list[Any]
    handlers: list[tuple[tree.Handler, list[Any]]]
    otherwise: list[Any]


def nodes_of(part: Any) -> Iterator[Any]:
    """The tree nodes directly inside a node, a list or a tuple."""
    if isinstance(part, list | tuple):
        for item in part:
            if isinstance(item, tree.Expression | tree.Statement | tree.Case | tree.Handler):
                yield item
            elif isinstance(item, list | tuple):
                yield from nodes_of(item)
    else:
        for item in dataclasses.fields(part):
            value = getattr(part, item.name)
            if isinstance(value, list | tuple):
                yield from nodes_of(value)
            elif isinstance(value, tree.Expression | tree.Statement):
                yield value


def effects(part: Any) -> list[Any]:
    """The raises, calls and tries inside a part of the tree, in order: Raise, Call and Guarded."""
    found: list[Any] = []
    for node in nodes_of(part):
        if isinstance(node, tree.Try):
            handlers = [(handler, effects(handler.body)) for handler in node.handlers]
            found.append(Guarded(effects(node.body), handlers, effects(node.otherwise)))
            continue
        found += effects(node)
        if isinstance(node, tree.Raise | tree.Call):
            found.append(node)
    return found


def settle(functions: list[tree.Function]) -> None:
    """Give every function its failures, and every handler the classes that arrive at it."""
    parts = [(function, effects(function.body)) for function in functions]
    reached: dict[int, frozenset[type]] = {id(function): frozenset() for function in functions}
    changed = True
    while changed:
        changed = False
        for function, found in parts:
            out = _leaving(found, reached, frozenset())
            if out != reached[id(function)]:
                reached[id(function)] = out
                changed = True
    for function in functions:
        function.failures = tuple(sorted(reached[id(function)], key=lambda c: (c.__module__, c.__qualname__)))


def _leaving(
    found: list[Any], reached: dict[int, frozenset[type]], handled: frozenset[type]
) -> frozenset[type]:
    """What comes out of these effects; `handled` is what the handler around them caught."""
    out: set[type] = set()
    for effect in found:
        if isinstance(effect, tree.Call):
            out |= reached[id(effect.function)]
        elif isinstance(effect, tree.Raise):
            out |= handled if effect.cls is None else {effect.cls}
        else:
            out |= _leaving_try(effect, reached, handled)
    return frozenset(out)


def _leaving_try(
    guarded: Guarded, reached: dict[int, frozenset[type]], handled: frozenset[type]
) -> frozenset[type]:
    arriving = set(_leaving(guarded.body, reached, handled))
    out: set[type] = set()
    for handler, found in guarded.handlers:
        declared = _declared(handler)
        caught = frozenset(cls for cls in arriving if issubclass(cls, declared))
        arriving -= caught
        handler.classes = tuple(sorted(caught, key=lambda c: (c.__module__, c.__qualname__)))
        out |= _leaving(found, reached, caught)
    return frozenset(arriving | out) | _leaving(guarded.otherwise, reached, handled)


def _declared(handler: tree.Handler) -> tuple[type, ...]:
    """The classes that the source names; kept aside when `classes` first becomes those that arrive."""
    if not handler.declared:
        handler.declared = handler.classes
    return handler.declared


# Complaints -----------------------------------------------------------------------------------------------------------


def escapes(functions: list[tree.Function]) -> Iterator[Diagnostic]:
    """Exported functions that let a failure out: there is nobody to take it."""
    for function in functions:
        if function.exported and function.failures:
            listed = ", ".join(f.__name__ for f in function.failures)
            yield diagnose(
                function.location,
                f"`{function.name}` is exported, and may let {listed} out",
                f"catch it inside: `except {function.failures[0].__name__}`",
            )


def cycles(functions: list[tree.Function]) -> Iterator[Diagnostic]:
    """Functions that call themselves, directly or through others."""
    calls = {id(f): [e for e in _flat(effects(f.body)) if isinstance(e, tree.Call)] for f in functions}
    done: set[int] = set()
    for function in functions:
        yield from _cycles_from(function, calls, done, [])


def _cycles_from(
    function: tree.Function,
    calls: dict[int, list[tree.Call]],
    done: set[int],
    path: list[tuple[tree.Function, tree.Call]],
) -> Iterator[Diagnostic]:
    if id(function) in done:
        return
    on_path = {id(f): i for i, (f, _) in enumerate(path)}
    for call in calls.get(id(function), []):
        step = [*path, (function, call)]
        if call.function is function or id(call.function) in on_path:
            start = on_path.get(id(call.function), len(path))
            yield _recursion(step[start:])
        else:
            yield from _cycles_from(call.function, calls, done, step)
    done.add(id(function))


def _recursion(cycle: list[tuple[tree.Function, tree.Call]]) -> Diagnostic:
    way = " → ".join([*(f.name for f, _ in cycle), cycle[0][0].name])
    places = "; ".join(
        f"{f.name} calls {c.function.name} at {shown_path(c.location.file)}:{c.location.line}"
        for f, c in cycle
    )
    return diagnose(
        cycle[-1][1].location,
        f"recursion: {way} ({places})",
        "use a loop, and keep what is still to do in a struct: how deep a stack grows must be known",
    )


def _flat(found: list[Any]) -> Iterator[Any]:
    for effect in found:
        if isinstance(effect, Guarded):
            yield from _flat(effect.body)
            for _, inner in effect.handlers:
                yield from _flat(inner)
            yield from _flat(effect.otherwise)
        else:
            yield effect


def numbered(functions: list[tree.Function]) -> list[type]:
    """Every failure class of the program; the i-th has the number i + 1 on the metal."""
    raised: dict[type, None] = {}
    for function in functions:
        for effect in _flat(effects(function.body)):
            if isinstance(effect, tree.Raise) and effect.cls is not None and effect.cls is not Failure:
                raised[effect.cls] = None
    return sorted(raised, key=lambda c: (c.__module__, c.__qualname__))
