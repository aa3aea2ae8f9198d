"""Patterns: what one `case` demands of its subject, and what it binds.

A pattern comes out as keys (classes of a union, or integers), tests of the parts, and bindings. Tests and bindings only load, so
it makes no difference that a part is loaded once for its test and again for its binding.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ...types import (
    Boolean,
    Enumeration,
    Integer,
    Nothing,
    PackedUnion,
    PackedValue,
    Record,
    Reference,
    Text,
    Tuple,
    Type,
)
from .. import tree
from . import attributes, kinds
from .body import Body
from .comparisons import all_of, any_of
from .narrowing import class_list, narrowed_to

NONE, SOME = "None", "a reference"  # the two kinds of value that a nullable reference has


@dataclass
class Pattern:
    """What a pattern is made of. `reach`: what it may match of the subject's domain (None: all); `covers`: what it
    matches for certain (None: all)."""

    keys: tuple[Any, ...] | None = None
    tests: list[tree.Expression] = field(default_factory=list)
    bindings: list[tuple[str, tree.Expression]] = field(default_factory=list)
    reach: frozenset[Any] | None = None
    covers: frozenset[Any] | None = None

    def only_if(self, tests: list[tree.Expression]) -> None:
        """Add tests of the parts: nothing is matched for certain any more, if there are any."""
        if tests:
            self.tests += tests
            self.covers = frozenset()


def read_pattern(body: Body, node: ast.pattern, value: tree.Expression) -> Pattern:
    """What `node` demands of `value`."""
    match node:
        case ast.MatchAs(pattern=None, name=None):
            return Pattern()
        case ast.MatchAs(pattern=None, name=str(name)):
            _refuse_constant_capture(body, node, name)
            return Pattern(bindings=[(name, value)])
        case ast.MatchAs(pattern=ast.pattern() as inner, name=str(name)):
            found = read_pattern(body, inner, value)
            found.bindings.append((name, _narrowed(value, found)))
            return found
        case ast.MatchValue(value=wanted):
            return _value_pattern(body, node, wanted, value)
        case ast.MatchSingleton(value=wanted_singleton):
            return _singleton_pattern(body, node, wanted_singleton, value)
        case ast.MatchOr(patterns=alternatives):
            return _alternatives(body, node, [read_pattern(body, a, value) for a in alternatives], value)
        case ast.MatchClass():
            return _class_pattern(body, node, value)
        case ast.MatchSequence(patterns=items):
            return _sequence_pattern(body, node, items, value)
    body.reject(
        node, "this pattern is not in the language", "match classes, enum members, integers and tuples"
    )


def _refuse_constant_capture(body: Body, node: ast.AST, name: str) -> None:
    if name.isupper() and name in body.globals:
        body.reject(
            node,
            f"`{name}` is a new name here, which takes any value, and not the constant",
            "write a dotted name (`Enum.MEMBER`, `module.CONSTANT`) or the number",
        )


def _narrowed(value: tree.Expression, found: Pattern) -> tree.Expression:
    """The subject, known to have matched."""
    if isinstance(value.type, PackedUnion) and found.keys is not None:
        kind = narrowed_to(value.type, list(found.keys))
        return tree.Convert(kind, value.location, value, proven=True)
    if isinstance(value.type, Reference) and found.reach == frozenset({SOME}) and value.type.nullable:
        return tree.Convert(Reference(value.type.cls), value.location, value, proven=True)
    return value


# Values -------------------------------------------------------------------------------------------------------------


def _value_pattern(body: Body, node: ast.AST, wanted: ast.expr, value: tree.Expression) -> Pattern:
    constant = body.expression(wanted)
    match value.type:
        case Integer() | Enumeration():
            if not isinstance(constant, tree.Constant) or not isinstance(
                constant.type, Integer | Enumeration
            ):
                body.reject(node, "a case compares with a constant", "use a guard: `case n if n == ...`")
            return _number_pattern(body, node, constant, value)
        case Text():
            body.reject(node, "text is not compared on the metal", "match an enum instead")
    body.reject(
        node,
        f"{kinds.describe(value.type)} is not compared with {body.text(wanted)}",
        "match the classes or parts of the subject",
    )


def _number_pattern(body: Body, node: ast.AST, constant: tree.Constant, value: tree.Expression) -> Pattern:
    number, kind = constant.value, value.type
    wrong_enum = isinstance(kind, Enumeration) and number not in {int(m) for m in kind.cls}
    other_enum = (
        isinstance(kind, Enumeration)
        and isinstance(constant.type, Enumeration)
        and constant.type.cls is not kind.cls
    )
    outside = isinstance(kind, Integer) and not kind.low <= number <= kind.high
    keys = frozenset({number})
    if outside and kind not in kinds.SIZED_NAMES:  # no mistake: the subject is a constant, or computed
        never = tree.Constant(kinds.BOOLEAN, body.at(node), 0)
        return Pattern(tests=[never], reach=keys, covers=frozenset())
    if wrong_enum or other_enum or outside:
        body.reject(node, f"{kinds.describe(kind)} is never {body.text(node)}", "leave the case out")
    return Pattern((number,), reach=keys, covers=keys)


def _singleton_pattern(body: Body, node: ast.AST, wanted: Any, value: tree.Expression) -> Pattern:
    match value.type:
        case Boolean() if wanted is not None:
            keys = frozenset({int(wanted)})
            return Pattern((int(wanted),), reach=keys, covers=keys)
        case Reference(_, True) if wanted is None:
            none = tree.Constant(value.type, body.at(node), 0)
            test = tree.Same(kinds.BOOLEAN, body.at(node), value, none, negated=False)
            return Pattern(tests=[test], reach=frozenset({NONE}), covers=frozenset({NONE}))
        case Nothing() if wanted is None:
            return Pattern()
    body.reject(node, f"{kinds.describe(value.type)} is never {wanted}", "leave the case out")


# Classes and tuples ----------------------------------------------------------------------------------------------------


def _class_pattern(body: Body, node: ast.MatchClass, value: tree.Expression) -> Pattern:
    classes = class_list(body, node.cls)
    cls = classes[0]
    kind = value.type
    match kind:
        case PackedUnion() | PackedValue():
            if cls not in kinds.variants_of(kind):
                _never_this_class(body, node, kind, cls)
            keys = frozenset({cls})
            found = Pattern((cls,), reach=keys, covers=keys)
            inner = value if isinstance(kind, PackedValue) else _as_variant(value, cls)
        case Record() if kind.cls is cls:
            found, inner = Pattern(), value
        case Reference() if kind.cls is cls:
            found, inner = _reference_pattern(body, node, value, kind)
        case Enumeration() if kind.cls is cls and not node.patterns and not node.kwd_patterns:
            return Pattern()
        case _:
            _never_this_class(body, node, kind, cls)
    found.only_if(_parts(body, node, cls, inner, found))
    return found


def _never_this_class(body: Body, node: ast.MatchClass, kind: Type, cls: type) -> NoReturn:
    body.reject(
        node,
        f"{kinds.describe(kind)} is never of class {cls.__name__}",
        "name a class that the subject's type has",
    )


def _as_variant(value: tree.Expression, cls: type) -> tree.Expression:
    return tree.Convert(PackedValue(cls), value.location, value, proven=True)


def _reference_pattern(
    body: Body, node: ast.AST, value: tree.Expression, kind: Reference
) -> tuple[Pattern, tree.Expression]:
    """A reference is of its class unless it is None."""
    if not kind.nullable:
        return Pattern(), value
    none = tree.Constant(kind, body.at(node), 0)
    test = tree.Same(kinds.BOOLEAN, body.at(node), value, none, negated=True)
    some = frozenset({SOME})
    inner = tree.Convert(Reference(kind.cls), value.location, value, proven=True)
    return Pattern(tests=[test], reach=some, covers=some), inner


def _parts(
    body: Body, node: ast.MatchClass, cls: type, inner: tree.Expression, found: Pattern
) -> list[tree.Expression]:
    """The tests of a class pattern's sub-patterns; their bindings go to `found`."""
    order: tuple[str, ...] = getattr(cls, "__match_args__", ())
    if len(node.patterns) > len(order):
        body.reject(
            node.patterns[len(order)],
            f"{cls.__name__} has {len(order)} positional part{'s' if len(order) != 1 else ''}",
            f"its parts are {', '.join(order)}" if order else "name the parts: `field=...`",
        )
    parts = [*zip(order, node.patterns, strict=False), *zip(node.kwd_attrs, node.kwd_patterns, strict=True)]
    tests: list[tree.Expression] = []
    for name, pattern in parts:
        if isinstance(pattern, ast.MatchAs) and pattern.pattern is None and pattern.name is None:
            continue
        part = attributes.attribute(body, inner, name, pattern)
        sub = read_pattern(body, pattern, part)
        tests += _tests_of(body, pattern, sub, part)
        found.bindings += sub.bindings
    return tests


def _sequence_pattern(body: Body, node: ast.AST, items: list[ast.pattern], value: tree.Expression) -> Pattern:
    if not isinstance(value.type, Tuple):
        body.reject(node, f"{kinds.describe(value.type)} is not a tuple", "match its class or its value")
    if len(items) != len(value.type.items) or any(isinstance(i, ast.MatchStar) for i in items):
        body.reject(node, f"the tuple has {len(value.type.items)} items", "write one pattern for each")
    found = Pattern()
    tests: list[tree.Expression] = []
    for index, (item, kind) in enumerate(zip(items, value.type.items, strict=True)):
        part = tree.RecordItem(kind, body.at(item), value, index)
        sub = read_pattern(body, item, part)
        tests += _tests_of(body, item, sub, part)
        found.bindings += sub.bindings
    found.only_if(tests)
    return found


# Alternatives ------------------------------------------------------------------------------------------------------------


def _tests_of(body: Body, node: ast.AST, found: Pattern, value: tree.Expression) -> list[tree.Expression]:
    """All that a pattern demands, its keys included, as tests."""
    key = _key_test(body, node, found.keys, value)
    return ([key] if key is not None else []) + found.tests


def _key_test(
    body: Body, node: ast.AST, keys: tuple[Any, ...] | None, value: tree.Expression
) -> tree.Expression | None:
    if keys is None:
        return None
    at, kind = body.at(node), value.type
    variants = kinds.variants_of(kind)
    if variants:
        return None if set(keys) >= set(variants) else tree.IsVariant(kinds.BOOLEAN, at, value, keys)
    if isinstance(kind, Boolean):
        if len(set(keys)) == 2:
            return None
        return value if keys[0] else tree.Not(kinds.BOOLEAN, at, value)
    number = tree.Convert(kind.storage, at, value, proven=True) if isinstance(kind, Enumeration) else value
    tests: list[tree.Expression] = [
        tree.Compare(kinds.BOOLEAN, at, "==", number, tree.Constant(Integer(k, k), at, k)) for k in keys
    ]
    return any_of(body, tests, node)


def _alternatives(body: Body, node: ast.AST, found: list[Pattern], value: tree.Expression) -> Pattern:
    """`a | b`: the union of the keys, and one of the tests; a name has the value of the first that matches."""
    keys: tuple[Any, ...] | None = None
    if all(f.keys is not None for f in found):
        keys = tuple(dict.fromkeys(k for f in found for k in f.keys or ()))
    together = Pattern(keys, reach=_all_or_union([f.reach for f in found]))
    together.covers = _all_or_union([f.covers for f in found])
    conditions = [all_of(body, _tests_of(body, node, f, value), node) for f in found]
    if keys is None or any(f.tests for f in found):
        test = any_of(body, conditions, node)
        decided = any(isinstance(c, tree.Constant) and c.value for c in conditions)
        together.tests = [] if decided else [test]
    for name in dict.fromkeys(n for f in found for n, _ in f.bindings):
        together.bindings.append((name, _one_of(body, node, name, found, conditions)))
    return together


def _all_or_union(sets: list[frozenset[Any] | None]) -> frozenset[Any] | None:
    known = [s for s in sets if s is not None]
    return frozenset().union(*known) if len(known) == len(sets) else None


def _one_of(
    body: Body, node: ast.AST, name: str, found: list[Pattern], conditions: list[tree.Expression]
) -> tree.Expression:
    values = [dict(f.bindings)[name] for f in found]
    kind: Type | None = values[0].type
    for value in values[1:]:
        kind = kinds.join(kind, value.type) if kind is not None else None
    if kind is None:
        body.reject(node, f"`{name}` has different types in the alternatives", "use two names in two cases")
    result = _widened(values[-1], kind)
    for value, condition in zip(values[-2::-1], conditions[-2::-1], strict=True):
        result = tree.Conditional(kind, body.at(node), condition, _widened(value, kind), result)
    return result


def _widened(value: tree.Expression, kind: Type) -> tree.Expression:
    return value if kinds.same(value.type, kind) else tree.Convert(kind, value.location, value, proven=True)
