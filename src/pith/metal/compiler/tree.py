"""The typed tree: a program after names, types, narrowing and specialisation are settled.

The reader makes it, the lowering consumes it; nothing in it needs the source again, except locations for messages
and debug information. Every expression carries its exact type; every conversion is a node; every name is resolved to a
Python object; generic functions appear once per choice of types. Evaluation order is the order of the fields,
left to right, as in Python.

Integers are ranges. `Arithmetic` yields the exact mathematical result, whose range follows from its
operands' ranges; nothing wraps and nothing is checked there. `Convert` is where a value must fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..packed import BitField
from ..structs import Field
from ..types import Type


@dataclass(frozen=True)
class Location:
    """A place in a source file; lines and columns count from 1, `end_column` is exclusive."""

    file: str
    line: int
    column: int
    end_column: int


@dataclass
class Expression:
    type: Type
    location: Location


@dataclass
class Constant(Expression):
    """An int, bool or enum member (as its int), or None (address 0); `type` tells which."""

    value: int


@dataclass
class TextConstant(Expression):
    text: str


@dataclass
class Local(Expression):
    """The value of a local or parameter; `type` is the variable's own type (a Convert around it narrows)."""

    name: str


@dataclass
class AssignedLocal(Expression):
    """`name := value`."""

    name: str
    value: Expression


@dataclass
class StaticReference(Expression):
    """The reference to a `static(...)` instance."""

    instance: Any
    symbol: str


@dataclass
class ConstantTable(Expression):
    """Constants in a row in constant memory: a View to be read only. `items` are the Python objects."""

    items: tuple[Any, ...]


@dataclass
class LoadField(Expression):
    """A struct's field. An Embedded field yields a Reference to it, an array field a View."""

    object: Expression
    field: Field


@dataclass
class LoadBits(Expression):
    """A field of a packed value (of `value`'s class, or, narrowed, of a union's variant)."""

    value: Expression
    field: BitField


@dataclass
class RecordItem(Expression):
    """A field of a Value class, or an item of a tuple, by position."""

    value: Expression
    index: int


@dataclass
class Element(Expression):
    """`view[index]`, bounds checked. An Embedded element yields a Reference."""

    view: Expression
    index: Expression


@dataclass
class Length(Expression):
    """`len(...)` of a View or Text."""

    value: Expression


@dataclass
class TextByte(Expression):
    """`ord(text[index])`, bounds checked."""

    text: Expression
    index: Expression


@dataclass
class MakeView(Expression):
    """`Array[T].at(address, length)`."""

    address: Expression
    length: Expression


@dataclass
class PartOfView(Expression):
    """`view.part(start, length)`, checked."""

    view: Expression
    start: Expression
    length: Expression


@dataclass
class AddressOf(Expression):
    """`reference.address` or `view.address`, an integer."""

    value: Expression


@dataclass
class StructAt(Expression):
    """`T.at(address)`: panics on 0 or a misaligned address; `T.maybe_at`: 0 is None."""

    address: Expression


@dataclass
class MakePacked(Expression):
    """A packed value from its fields, in the order the source evaluates them; omitted ones are their defaults."""

    cls: type
    fields: list[tuple[BitField, Expression]]


@dataclass
class ReplaceBits(Expression):
    """`replace(value, field=...)` of a packed value."""

    value: Expression
    fields: list[tuple[BitField, Expression]]


@dataclass
class PackedBits(Expression):
    """`value.bits`."""

    value: Expression


@dataclass
class PackedFromBits(Expression):
    """`P.from_bits(raw)`; panics where `raw` does not fit the width."""

    raw: Expression


@dataclass
class MakeRecord(Expression):
    """A Value class instance or a tuple; `order` is the positions in evaluation order."""

    items: list[Expression]
    order: list[int]


@dataclass
class Arithmetic(Expression):
    """`+ - * // % & | ^ << >>` on integers, exact. // and % round toward minus infinity; zero divisors panic."""

    operator: str
    left: Expression
    right: Expression


@dataclass
class Negate(Expression):
    """`-value`."""

    value: Expression


@dataclass
class Invert(Expression):
    """`~value`."""

    value: Expression


@dataclass
class Builtin(Expression):
    """`min`, `max`, `abs`, `bit_length`, `bit_count` on integers."""

    name: str
    arguments: list[Expression]


@dataclass
class Compare(Expression):
    """`== != < <= > >=` on integers, booleans, enums or packed values of one class (== and != there)."""

    operator: str
    left: Expression
    right: Expression


@dataclass
class Same(Expression):
    """`is` / `is not` between references (None included) or enum members."""

    left: Expression
    right: Expression
    negated: bool


@dataclass
class Not(Expression):
    value: Expression


@dataclass
class Logical(Expression):
    """`and` / `or` on booleans, short-circuit."""

    operator: str
    values: list[Expression]


@dataclass
class Conditional(Expression):
    """`then if test else otherwise`."""

    test: Expression
    then: Expression
    otherwise: Expression


@dataclass
class IsVariant(Expression):
    """`isinstance(value, (A, B))` on a packed union."""

    value: Expression
    variants: tuple[type, ...]


@dataclass
class Convert(Expression):
    """`value` as `type`.

    Integer to Integer: panics where it does not fit (`reason` says what it was stored as). Boolean or Enumeration to
    Integer; Integer to Boolean (`bool(x)`: nonzero) or Enumeration (panics where no member has the value). Nullable to non-null
    Reference: panics on None. Union to variant or smaller union: only where already proven, never checked.
    Variant to union: representation unchanged. View with known length to View without.
    `proven`: the value is known to fit (a narrowed local), so a check would never fail.
    """

    value: Expression
    reason: str = ""
    proven: bool = False


@dataclass
class Call(Expression):
    """A call; `arguments` by parameter, `order` the positions in evaluation order."""

    function: Function
    arguments: list[Expression]
    order: list[int]


@dataclass
class IntrinsicCall(Expression):
    """An operation that code generation expands: those of `pith.metal.machine`, by name."""

    name: str
    arguments: list[Expression]


@dataclass
class FailureItem(Expression):
    """A field of the failure that the innermost handler caught."""

    cls: type
    name: str


@dataclass
class Statement:
    location: Location


@dataclass
class Assign(Statement):
    name: str
    value: Expression


@dataclass
class StoreField(Statement):
    """`object.field = value`. Where the order of evaluation matters, `object` is a plain local."""

    object: Expression
    field: Field
    value: Expression


@dataclass
class StoreElement(Statement):
    """`view[index] = value`; Python evaluates the value first: `value` is evaluated before view and index."""

    view: Expression
    index: Expression
    value: Expression


@dataclass
class Unpack(Statement):
    """`a, b = value` for a tuple or record; None skips an item (`_`)."""

    names: list[str | None]
    value: Expression


@dataclass
class Evaluate(Statement):
    value: Expression


@dataclass
class If(Statement):
    test: Expression
    then: list[Statement]
    otherwise: list[Statement]


@dataclass
class While(Statement):
    test: Expression
    body: list[Statement]


@dataclass
class ForRange(Statement):
    """`for name in range(start, stop, step)`; `step` is a nonzero constant. Bounds are evaluated once, before.

    The body may assign to `name`: the iteration has a counter of its own. `name` keeps its last value afterwards.
    """

    name: str
    start: Expression
    stop: Expression
    step: int
    body: list[Statement]


@dataclass
class ForEach(Statement):
    """`for name in view`; the view is evaluated once. An Embedded element binds a Reference."""

    name: str
    view: Expression
    body: list[Statement]


@dataclass
class Break(Statement):
    pass


@dataclass
class Continue(Statement):
    pass


@dataclass
class Return(Statement):
    value: Expression | None


@dataclass
class Raise(Statement):
    """`raise cls(values)`; `cls` None re-raises the failure being handled.

    That is the one which the innermost enclosing handler caught, with its fields as they were then, whatever was
    raised and caught since.
    """

    cls: type | None
    values: list[Expression]


@dataclass
class Handler:
    """`except classes as name:`; `classes` are the leaf classes that arrive here (none: the body is dead).

    The reader puts the fields that the body uses into locals at its start, through FailureItem.
    """

    classes: tuple[type, ...]
    body: list[Statement]
    declared: tuple[type, ...] = ()  # the classes that the source names


@dataclass
class Try(Statement):
    body: list[Statement]
    handlers: list[Handler]
    otherwise: list[Statement]


@dataclass
class Panic(Statement):
    """A failed assertion, or code proven unreachable by exhaustiveness."""

    reason: str


@dataclass
class Case:
    """One case of a Match, in Python's order of events.

    It applies if the subject is one of `keys` (variant classes, or integers; None: anything), and then if `condition`
    holds (tests of sub-patterns), then `bindings` are assigned, then if `guard` holds; else the next case is tried.
    """

    keys: tuple[Any, ...] | None
    condition: Expression | None
    bindings: list[tuple[str, Expression]]
    guard: Expression | None
    body: list[Statement]
    location: Location


@dataclass
class Match(Statement):
    """`match`; the subject is already in the local `subject`. Exhaustive, or the last case takes anything."""

    subject: Local
    cases: list[Case]


@dataclass
class Function:
    """One function, specialised. `locals` holds every local's type, parameters included."""

    name: str
    symbol: str
    location: Location
    parameters: list[tuple[str, Type]]
    result: Type
    locals: dict[str, Type] = field(default_factory=dict)
    body: list[Statement] = field(default_factory=list)
    failures: tuple[type, ...] = ()  # what may be raised, callees' included
    exported: bool = False
    inline: bool | None = None
    outermost: bool = False
    cold: bool = False
    assembly: str | None = None
    python: Any = None  # the function as CPython has it


@dataclass
class Program:
    """Everything reachable from the roots. `failures[i]` has the number i + 1 on the metal."""

    functions: list[Function] = field(default_factory=list)
    failures: list[type] = field(default_factory=list)
    statics: list[tuple[str, Any]] = field(default_factory=list)  # (symbol, instance)
    files: list[str] = field(default_factory=list)
