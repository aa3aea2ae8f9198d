"""`match`: cases in order, each narrowing what is left for the next.

On a union, an enum or a bool the cases must together take everything; a case that can take nothing any more is an error.
Bindings happen when the whole pattern has matched, before the guard.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ...types import Boolean, Enumeration, Integer, Nothing, PackedUnion, PackedValue, Reference, Type
from .. import tree
from ..diagnostics import Rejected
from . import fields, kinds
from .body import Body, reads
from .comparisons import all_of
from .conversions import convert
from .flow import State, assigned_names, forget_assigned, meet_all
from .narrowing import narrowed_to
from .patterns import NONE, SOME, Pattern, read_pattern


@dataclass
class Progress:
    """What the cases so far have left: `domain` is all values there are (None: too many to list)."""

    domain: frozenset[Any] | None
    taken: frozenset[Any] = frozenset()
    all_taken: bool = False
    unsure: bool = False  # a case was rejected: what it would have taken is not known

    def left(self) -> frozenset[Any]:
        return frozenset() if self.all_taken or self.domain is None else self.domain - self.taken

    def exhausted(self) -> bool:
        return self.all_taken or self.unsure or (self.domain is not None and not self.left())

    def take(self, found: Pattern) -> None:
        """A case without a guard takes what it matches for certain."""
        if found.covers is None:
            self.all_taken = True
        else:
            self.taken |= found.covers

    def is_dead(self, found: Pattern) -> bool:
        """Whether nothing that a pattern may match is left."""
        if self.unsure:
            return False
        return self.exhausted() or (found.reach is not None and found.reach <= self.taken)


def _domain(kind: Type) -> frozenset[Any] | None:
    match kind:
        case PackedUnion() | PackedValue():
            return frozenset(kinds.variants_of(kind))
        case Enumeration(cls):
            return frozenset(int(m) for m in cls)
        case Boolean():
            return frozenset({0, 1})
        case Reference(_, True):
            return frozenset({NONE, SOME})
    return None


@reads(ast.Match)
def _match(body: Body, node: ast.Match) -> list[tree.Statement]:
    value = body.expression(node.subject)
    if isinstance(value.type, Nothing):
        body.reject(node.subject, "this is always None", "match something that can differ")
    captured = {n for c in node.cases for n in assigned_names([c.pattern])}
    name = node.subject.id if isinstance(node.subject, ast.Name) and node.subject.id in body.names else None
    held: list[tree.Statement] = []
    path: str | None = None
    if name is None or name in captured or name in body.by_walrus:
        name, path = None, fields.path(body, node.subject, value)
        local = body.temporary(value.type, node.subject)
        held, value = [tree.Assign(body.at(node.subject), local.name, value)], local
    parts: list[ast.AST] = [p for c in node.cases for p in (c.pattern, c.guard) if p is not None]
    entry = forget_assigned(body.state, parts)
    progress = Progress(_domain(value.type))
    cases, ends = _read_cases(body, node, name or path, value, entry, progress)
    if not progress.exhausted():
        _demand_all(body, node, value.type, progress)
        cases.append(tree.Case(None, None, [], None, [], body.at(node.subject)))
        ends.append(entry)
    body.state = meet_all(ends, entry)
    return [*held, tree.Match(body.at(node.subject), _plain_local(value), cases)]


def _plain_local(value: tree.Expression) -> tree.Local:
    inner = value.value if isinstance(value, tree.Convert) else value
    assert isinstance(inner, tree.Local)
    return inner


def _read_cases(
    body: Body,
    node: ast.Match,
    name: str | None,
    value: tree.Expression,
    entry: State,
    progress: Progress,
) -> tuple[list[tree.Case], list[State]]:
    cases: list[tree.Case] = []
    ends: list[State] = []
    for case in node.cases:
        body.state = entry.copy()
        try:
            found = read_pattern(body, case.pattern, value)
            if progress.is_dead(found):
                body.reject(case.pattern, "this case is never reached", "leave it out, or put it further up")
        except Rejected as rejected:
            body.note(rejected)
            progress.unsure = True
            continue
        if name is not None:
            body.state = _narrow_subject(body.state, name, value, found, progress)
        cases.append(_read_case(body, case, found, progress))
        ends.append(body.state)
    return cases, ends


def _narrow_subject(
    state: State, name: str, value: tree.Expression, found: Pattern, progress: Progress
) -> State:
    """Inside a case, the subject, a local or a field, is what the pattern may match of what was left."""
    left = progress.left() if found.reach is None else found.reach & progress.left()
    match value.type:
        case PackedUnion() as kind if left:
            narrowed = narrowed_to(kind, list(left))
        case Reference(cls, True) if left == {SOME}:
            narrowed = Reference(cls)
        case _:
            return state
    if name.isidentifier():
        return state.narrow(name, narrowed)
    return state.narrow_field(name, narrowed, _plain_local(value).name)


def _read_case(body: Body, case: ast.match_case, found: Pattern, progress: Progress) -> tree.Case:
    bindings = []
    for name, value in found.bindings:
        body.poisoned.discard(name)
        kind = body.admit(name, value.type, case.pattern)
        bindings.append((name, convert(body, value, kind, f"local `{name}`", case.pattern)))
        body.bind(name, value.type)
    guard = None
    if case.guard is not None:
        condition = body.condition(case.guard)
        guard, body.state = condition.test, condition.true
    if guard is None or (isinstance(guard, tree.Constant) and guard.value):
        progress.take(found)
        guard = None
    test = all_of(body, found.tests, case.pattern) if found.tests else None
    statements = body.block(case.body)
    return tree.Case(found.keys, test, bindings, guard, statements, body.at(case.pattern))


def _demand_all(body: Body, node: ast.Match, kind: Type, progress: Progress) -> None:
    """A union, an enum or a bool must be matched to the end."""
    left = progress.left()
    if isinstance(kind, Integer) or not left or isinstance(kind, Reference):
        return
    names = [_shown(kind, item) for item in sorted(left, key=lambda i: getattr(i, "__tag__", i) or 0)]
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    body.reject(
        node.subject,
        f"this match does not say what happens for {listed}",
        "add the cases, or end with `case _:`",
    )


def _shown(kind: Type, item: Any) -> str:
    if isinstance(kind, Enumeration):
        member: IntEnum = kind.cls(item)
        return f"{kind.cls.__name__}.{member.name}"
    return str(bool(item)) if isinstance(kind, Boolean) else str(item.__name__)
