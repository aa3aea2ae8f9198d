"""`match`: a switch on the subject's tag or number to the first case that may apply.

A case whose sub-patterns or guard fail goes to a further switch among the cases after it, for the same subject;
LLVM threads the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import types
from . import ir, tree
from .ir import Value
from .lowering_builder import Builder
from .lowering_expressions import adapt, evaluate
from .lowering_packed import tag_of

Execute = Callable[[Builder, Sequence[tree.Statement]], None]


def match(b: Builder, s: tree.Match, execute: Execute) -> None:
    """Write a `match`; `execute` writes the bodies."""
    number = _number(b, evaluate(b, s.subject), s.subject.type)
    entries = [b.new_block("case") for _ in s.cases]
    done = b.new_block("done")
    pending: dict[int, ir.Block] = {}  # switches among the cases from an index on, yet to be written

    def among(first: int) -> ir.Block:
        return pending.setdefault(first, b.new_block("among"))

    _switch(b, s, number, 0, entries)
    for index, (case, entry) in enumerate(zip(s.cases, entries, strict=True)):
        b.blocks.append(entry)
        b.block = entry
        b.location = case.location
        _enter(b, case, index, among)
        execute(b, case.body)
        if not b.block.ended:
            b.jump(done)
        if index + 1 in pending:
            b.begin(pending[index + 1])
            b.location = s.location
            _switch(b, s, number, index + 1, entries)
    b.begin(done)


def _number(b: Builder, subject: Value, kind: types.Type) -> Value | None:
    """What the cases' keys are compared with: the tag, the integer, the address; None: every key applies."""
    match kind:
        case types.PackedUnion():
            return tag_of(b, subject, kind)
        case types.Integer() | types.Enumeration():
            return subject
        case types.Boolean():
            return b.resize(subject, 64)
        case types.Reference():
            return b.cast("ptrtoint", subject, ir.WORD)
    return None


def _switch(b: Builder, s: tree.Match, number: Value | None, first: int, entries: list[ir.Block]) -> None:
    cases: dict[int, ir.Block] = {}
    default: ir.Block | None = None
    for case, entry in zip(s.cases[first:], entries[first:], strict=True):
        if case.keys is None or number is None:
            default = entry
            break
        for key in case.keys:
            if _possible(key, s.subject.type):
                cases.setdefault(_key(key), entry)
    missed = None if default else b.new_block("missed")
    if number is None or not cases:
        b.jump(default or missed or entries[0])
    else:
        b.emit(ir.Switch(number, list(cases.items()), default or missed or entries[0]))
    if missed:
        b.blocks.append(missed)
        b.block = missed
        if isinstance(s.subject.type, types.Enumeration):
            b.emit(ir.Unreachable())  # every enumeration value was checked to be a member when it was made
        else:
            b.panic("no case applies")


def _key(key: Any) -> int:
    return int(key.__tag__ if isinstance(key, type) else key or 0)  # type: ignore[attr-defined]


def _possible(key: Any, kind: types.Type) -> bool:
    """Whether the subject can be `key` at all; keys beyond its width must not wrap into it."""
    if isinstance(kind, types.Integer):
        return kind.low <= int(key) <= kind.high
    if isinstance(kind, types.PackedUnion):
        return key in kind.variants
    return True


def _enter(b: Builder, case: tree.Case, index: int, among: Callable[[int], ir.Block]) -> None:
    """The rest of a case's pattern: sub-patterns, bindings, guard."""
    if case.condition is not None:
        held = b.new_block("held")
        b.branch(evaluate(b, case.condition), held, among(index + 1))
        b.begin(held)
    for name, value in case.bindings:
        slot = b.slots[name]
        b.write(slot, adapt(b, evaluate(b, value), value.type, slot.type or value.type))
    if case.guard is not None:
        passed = b.new_block("passed")
        b.branch(evaluate(b, case.guard), passed, among(index + 1))
        b.begin(passed)
