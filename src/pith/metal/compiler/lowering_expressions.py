"""Expressions: each kind of tree node as instructions, in Python's order of evaluation.

`evaluate` gives a node's value in the representation of its type (`lowering_types`); what has no value gives a null
pointer. One subtlety of order: CPython checks an argument's range when the callee begins (or the constructor, or the
setter), after all arguments are evaluated. `evaluate_all` does the same: a `Convert` around an argument comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import singledispatch

from .. import types
from ..packed import BitField
from ..types import Integer, Type
from . import ir, lowering_integers, lowering_machine, lowering_memory, lowering_packed, tree
from .ir import FLAG, POINTER, WORD, Value
from .lowering_builder import Builder, zero
from .lowering_integers import WORD_RANGE
from .lowering_types import (
    element_size,
    field_types,
    fits,
    integer_of,
    kind_of,
    record_types,
    value_kind,
    width,
)
from .tree import Expression


def evaluate(b: Builder, expression: Expression) -> Value:
    """The value of `expression`."""
    outer, b.location = b.location, expression.location
    value = _value(expression, b)
    b.location = outer
    return value


def evaluate_as(b: Builder, expression: Expression, kind: Type) -> Value:
    """The value of `expression` in the representation of `kind`, which holds it."""
    return adapt(b, evaluate(b, expression), expression.type, kind)


def evaluate_all(b: Builder, expressions: Sequence[Expression], order: Sequence[int]) -> list[Value]:
    """The values, evaluated in `order`; range checks of each come after all are evaluated."""
    finish: dict[int, Callable[[], Value]] = {i: _begin(b, expressions[i]) for i in order}
    return [finish[i]() for i in range(len(expressions))]


def _begin(b: Builder, expression: Expression) -> Callable[[], Value]:
    """Evaluate `expression` but for its outermost range check; what is left to do."""
    if not _is_range_check(expression):
        value = evaluate(b, expression)
        return lambda: value
    assert isinstance(expression, tree.Convert)
    inner, location = expression.value, expression.location
    if _is_checked_arithmetic(expression):
        assert isinstance(inner, tree.Arithmetic)
        left, right = evaluate(b, inner.left), evaluate(b, inner.right)
        return lambda: _at(b, location, lambda: _checked_arithmetic(b, expression, left, right))
    raw = evaluate(b, inner)
    return lambda: _at(b, location, lambda: _converted(b, raw, expression))


def _at(b: Builder, location: tree.Location, write: Callable[[], Value]) -> Value:
    outer, b.location = b.location, location
    value = write()
    b.location = outer
    return value


def _is_range_check(expression: Expression) -> bool:
    return (
        isinstance(expression, tree.Convert)
        and isinstance(expression.type, Integer)
        and isinstance(expression.value.type, Integer)
    )


def adapt(b: Builder, value: Value, kind: Type, target: Type) -> Value:
    """`value` of type `kind` in the representation of `target`, which holds every such value: never checked."""
    if kind == target or isinstance(kind, types.Nothing | types.Never):
        return value if value.kind == value_kind(target) else zero(value_kind(target))
    match kind, target:
        case (Integer() | types.Boolean() | types.Enumeration(), Integer()):
            return lowering_integers.at_width(b, value, integer_of(kind), width(target))
        case (types.View(_, int(length)), types.View(_, None)):
            return b.compose([value, b.word(length)])
        case (types.Tuple() | types.Record(), types.Tuple() | types.Record()):
            pairs = zip(record_types(kind), record_types(target), strict=True)
            if kind_of(kind) != kind_of(target):
                return b.compose([adapt(b, b.item(value, i), k, t) for i, (k, t) in enumerate(pairs)])
    return value


def convert(b: Builder, value: Value, kind: Type, target: Type, reason: str) -> Value:
    """`value` of type `kind` as `target`, checked where it may not be one."""
    match kind, target:
        case (Integer() | types.Boolean() | types.Enumeration(), Integer()):
            reason = reason or f"not in {target.low}..{target.high}"
            return lowering_integers.check(b, value, integer_of(kind), target, reason)
        case (Integer() | types.Enumeration(), types.Boolean()):
            return b.compare("ne", value, zero(value.kind))
        case (types.Boolean(), types.Enumeration()):
            word = b.resize(value, 64)
            return convert(b, word, Integer(0, 1), target, reason)
        case (Integer(), types.Enumeration(cls)):
            reason = reason or f"no member of {cls.__name__}"
            return lowering_memory.check_member(b, value, kind, target, reason)
        case (types.Reference(_, True) | types.Nothing(), types.Reference(_, False)):
            b.panic_unless(b.compare("ne", value, zero(POINTER)), reason or "None has no fields")
            return value
    return adapt(b, value, kind, target)


@singledispatch
def _value(expression: Expression, b: Builder) -> Value:
    raise TypeError(f"no lowering for {type(expression).__name__}")


@_value.register
def _constant(e: tree.Constant, b: Builder) -> Value:
    return ir.Literal(int(e.value), value_kind(e.type))


@_value.register
def _text_constant(e: tree.TextConstant, b: Builder) -> Value:
    data = e.text.encode()
    return b.compose([b.shared.text(data), b.word(len(data))])


@_value.register
def _local(e: tree.Local, b: Builder) -> Value:
    return b.read(b.slots[e.name])


@_value.register
def _assigned_local(e: tree.AssignedLocal, b: Builder) -> Value:
    slot = b.slots[e.name]
    value = evaluate(b, e.value)
    b.write(slot, adapt(b, value, e.value.type, slot.type or e.value.type))
    return adapt(b, value, e.value.type, e.type)


@_value.register
def _static_reference(e: tree.StaticReference, b: Builder) -> Value:
    if b.shared.options.arena_statics:
        return ir.Literal(e.instance.address, POINTER)
    return ir.Address(e.symbol)


@_value.register
def _constant_table(e: tree.ConstantTable, b: Builder) -> Value:
    assert isinstance(e.type, types.View)
    return b.shared.table(e.items, e.type.element)


@_value.register
def _load_field(e: tree.LoadField, b: Builder) -> Value:
    value = lowering_memory.load(b, evaluate(b, e.object), e.field.offset, e.field.type)
    return adapt(b, value, e.field.type, e.type)


@_value.register
def _load_bits(e: tree.LoadBits, b: Builder) -> Value:
    return adapt(b, lowering_packed.extract(b, evaluate(b, e.value), e.field), e.field.type, e.type)


@_value.register
def _record_item(e: tree.RecordItem, b: Builder) -> Value:
    return b.item(evaluate(b, e.value), e.index)


# Views and text


def view_parts(b: Builder, view: Value, kind: Type) -> tuple[Value, Value]:
    """A view's (or text's) pointer and length."""
    if isinstance(kind, types.View) and kind.length is not None:
        return view, b.word(kind.length)
    return b.item(view, 0), b.item(view, 1)


def element_pointer(b: Builder, view: Expression, pointer: Value, index: Value) -> Value:
    """The address of the element at `index`, a word, of a view."""
    assert isinstance(view.type, types.View)
    size = element_size(view.type.element)
    if isinstance(index, ir.Literal):
        return b.step(pointer, b.word(index.value * size))
    return b.step(pointer, b.binary("mul", index, b.word(size)) if size > 1 else index)


def checked_index(b: Builder, index: Value, kind: Type, length: Value) -> Value:
    """`index` as a word, less than `length`; else panics. As unsigned, a negative index is too large, too."""
    known = integer_of(kind)
    if not (isinstance(length, ir.Literal) and known.low >= 0 and known.high < length.value):
        inside = b.compare("ult", index, b.resize(length, width(known)))
        b.panic_unless(inside, "index outside the array", index)
    return b.resize(index, 64)


@_value.register
def _element(e: tree.Element, b: Builder) -> Value:
    view = evaluate(b, e.view)
    index = evaluate(b, e.index)
    pointer, length = view_parts(b, view, e.view.type)
    place = element_pointer(b, e.view, pointer, checked_index(b, index, e.index.type, length))
    assert isinstance(e.view.type, types.View)
    element = e.view.type.element
    is_constant = isinstance(e.view, tree.ConstantTable)
    return adapt(b, lowering_memory.load(b, place, 0, element, is_constant), element, e.type)


@_value.register
def _length(e: tree.Length, b: Builder) -> Value:
    return view_parts(b, evaluate(b, e.value), e.value.type)[1]


@_value.register
def _text_byte(e: tree.TextByte, b: Builder) -> Value:
    text = evaluate(b, e.text)
    index = evaluate(b, e.index)
    place = b.step(b.item(text, 0), checked_index(b, index, e.index.type, b.item(text, 1)))
    return b.resize(b.load(place, 0, ir.BYTE, 1), width(integer_of(e.type)))


@_value.register
def _make_view(e: tree.MakeView, b: Builder) -> Value:
    address, length = evaluate_all(b, [e.address, e.length], (0, 1))
    assert isinstance(e.type, types.View)
    pointer = _place(b, e.address, address, e.type.element.alignment, "an array")
    length = _as_word(b, length, e.length.type, "not a length")
    return pointer if e.type.length is not None else b.compose([pointer, length])


@_value.register
def _part_of_view(e: tree.PartOfView, b: Builder) -> Value:
    view, start, length = evaluate_all(b, [e.view, e.start, e.length], (0, 1, 2))
    pointer, total = view_parts(b, view, e.view.type)
    reason = "part outside the array"
    start = _as_word(b, start, e.start.type, reason)
    length = _as_word(b, length, e.length.type, reason)
    b.panic_unless(b.compare("ule", start, total), reason, start)
    b.panic_unless(b.compare("ule", length, b.binary("sub", total, start)), reason, length)
    place = element_pointer(b, e.view, pointer, start)
    assert isinstance(e.type, types.View)
    return place if e.type.length is not None else b.compose([place, length])


def _place(b: Builder, e: tree.Expression, address: Value, alignment: int, what: str) -> Value:
    """The pointer to `address`, the value of `e`; panics on 0 and on a misaligned one, where it can be either."""
    address = _as_word(b, address, e.type, "not an address")
    if not _is_beyond_reference(e):
        b.panic_unless(b.compare("ne", address, b.word(0)), f"no {what} lies at address 0", address)
    if _known_alignment(e) % alignment:
        lowering_memory.check_alignment(b, address, alignment, what)
    return b.cast("inttoptr", address, POINTER)


def _known_alignment(e: tree.Expression) -> int:
    """A number that `e` is a multiple of."""
    match e:
        case tree.AddressOf(_, _, tree.Expression(type=types.Reference(cls, nullable=False))):
            return types.Embedded(cls).alignment
        case tree.Constant(value=value) if value:
            return value & -value
        case tree.Convert(value=value):  # of integers: the same number
            return _known_alignment(value)
        case tree.Arithmetic(_, _, "+", left, right):
            return min(_known_alignment(left), _known_alignment(right))
        case tree.Arithmetic(_, _, "*", left, right):
            return _known_alignment(left) * _known_alignment(right)
        case _:
            return 1


def _is_beyond_reference(e: tree.Expression) -> bool:
    """Whether `e` is a reference's own address, or something added to one, and so not 0."""
    match e:
        case tree.AddressOf(_, _, tree.Expression(type=types.Reference(nullable=False))):
            return True
        case tree.Convert(value=value):
            return _is_beyond_reference(value)
        case tree.Arithmetic(_, _, "+", left, right):
            is_positive = min(integer_of(left.type).low, integer_of(right.type).low) >= 0
            return is_positive and (_is_beyond_reference(left) or _is_beyond_reference(right))
        case _:
            return False


def _as_word(b: Builder, value: Value, kind: Type, reason: str) -> Value:
    return lowering_integers.check(b, value, integer_of(kind), WORD_RANGE, reason)


# Addresses


@_value.register
def _address_of(e: tree.AddressOf, b: Builder) -> Value:
    value = evaluate(b, e.value)
    pointer = value if isinstance(value.kind, ir.Pointer) else b.item(value, 0)
    return b.cast("ptrtoint", pointer, WORD)


@_value.register
def _struct_at(e: tree.StructAt, b: Builder) -> Value:
    assert isinstance(e.type, types.Reference)
    address = evaluate(b, e.address)
    name, alignment = e.type.cls.__name__, types.Embedded(e.type.cls).alignment
    if not e.type.nullable:
        return _place(b, e.address, address, alignment, name)
    address = _as_word(b, address, e.address.type, "not an address")
    lowering_memory.check_alignment(b, address, alignment, name)
    return b.cast("inttoptr", address, POINTER)


# Packed values and records


def _fields(b: Builder, fields: list[tuple[BitField, Expression]]) -> list[tuple[BitField, Value, Type]]:
    values = evaluate_all(b, [e for _, e in fields], range(len(fields)))
    return [(item, value, e.type) for (item, e), value in zip(fields, values, strict=True)]


@_value.register
def _make_packed(e: tree.MakePacked, b: Builder) -> Value:
    return lowering_packed.make(b, e.cls, _fields(b, e.fields))


@_value.register
def _replace_bits(e: tree.ReplaceBits, b: Builder) -> Value:
    assert isinstance(e.type, types.PackedValue)
    value = evaluate(b, e.value)
    return lowering_packed.replace(b, e.type.cls, value, _fields(b, e.fields))


@_value.register
def _packed_bits(e: tree.PackedBits, b: Builder) -> Value:
    return b.resize(evaluate(b, e.value), width(integer_of(e.type)))


@_value.register
def _packed_from_bits(e: tree.PackedFromBits, b: Builder) -> Value:
    assert isinstance(e.type, types.PackedValue | types.PackedUnion)
    target = Integer(0, (1 << e.type.bits) - 1)
    raw = evaluate(b, e.raw)
    whole = lowering_integers.check(b, raw, integer_of(e.raw.type), target, "more bits than the class has")
    return b.resize(whole, e.type.bits)


@_value.register
def _make_record(e: tree.MakeRecord, b: Builder) -> Value:
    assert isinstance(e.type, types.Record | types.Tuple)
    values = evaluate_all(b, e.items, e.order)
    kinds = zip(e.items, record_types(e.type), strict=True)
    items = [adapt(b, v, i.type, k) for v, (i, k) in zip(values, kinds, strict=True)]
    return b.compose(items) if items else zero(ir.Aggregate(()))


@_value.register
def _is_variant(e: tree.IsVariant, b: Builder) -> Value:
    return lowering_packed.is_variant(b, evaluate(b, e.value), e.value.type, e.variants)


# Arithmetic


def _is_checked_arithmetic(e: Expression) -> bool:
    """Whether `e` is one of `+ - *` that needs more than 64 bits, checked back into 64."""
    if not (isinstance(e, tree.Convert) and isinstance(e.value, tree.Arithmetic)):
        return False
    inner, target = e.value, e.type
    kinds = (integer_of(inner.left.type), integer_of(inner.right.type), target)
    return (
        inner.operator in "+-*"
        and isinstance(target, Integer)
        and width(integer_of(inner.type)) > 64
        and any(all(isinstance(k, Integer) and fits(k, 64, s) for k in kinds) for s in (False, True))
    )


def _checked_arithmetic(b: Builder, e: tree.Convert, left: Value, right: Value) -> Value:
    inner, target = e.value, integer_of(e.type)
    assert isinstance(inner, tree.Arithmetic)
    kinds = (integer_of(inner.left.type), integer_of(inner.right.type))
    reason = e.reason or f"not in {target.low}..{target.high}"
    value = lowering_integers.converted_arithmetic(b, inner.operator, left, right, kinds, target, reason)
    assert value is not None
    return value


@_value.register
def _convert(e: tree.Convert, b: Builder) -> Value:
    if _is_checked_arithmetic(e):
        assert isinstance(e.value, tree.Arithmetic)
        left, right = evaluate(b, e.value.left), evaluate(b, e.value.right)
        return _checked_arithmetic(b, e, left, right)
    return _converted(b, evaluate(b, e.value), e)


def _converted(b: Builder, value: Value, e: tree.Convert) -> Value:
    if e.proven and isinstance(e.type, Integer):
        return lowering_integers.at_width(b, value, integer_of(e.value.type), width(e.type))
    if e.proven and isinstance(e.type, types.Reference):
        return value
    return convert(b, value, e.value.type, e.type, e.reason)


@_value.register
def _arithmetic(e: tree.Arithmetic, b: Builder) -> Value:
    left, right = evaluate(b, e.left), evaluate(b, e.right)
    if isinstance(e.type, types.Boolean):  # & | ^ of two booleans
        names = {"&": "and", "|": "or", "^": "xor"}
        return b.binary(names[e.operator], left, right)
    kinds = (integer_of(e.left.type), integer_of(e.right.type))
    left, right = (
        adapt(b, v, o.type, k) for v, o, k in zip((left, right), (e.left, e.right), kinds, strict=True)
    )
    return lowering_integers.arithmetic(b, e.operator, left, right, kinds, integer_of(e.type))


@_value.register
def _negate(e: tree.Negate, b: Builder) -> Value:
    kind = integer_of(e.value.type)
    return lowering_integers.negate(b, evaluate_as(b, e.value, kind), kind, integer_of(e.type))


@_value.register
def _invert(e: tree.Invert, b: Builder) -> Value:
    kind = integer_of(e.value.type)
    return lowering_integers.invert(b, evaluate_as(b, e.value, kind), kind, integer_of(e.type))


@_value.register
def _builtin(e: tree.Builtin, b: Builder) -> Value:
    kinds = [integer_of(a.type) for a in e.arguments]
    values = [evaluate_as(b, a, k) for a, k in zip(e.arguments, kinds, strict=True)]
    result = integer_of(e.type)
    match e.name:
        case "min" | "max":
            return lowering_integers.extreme(b, e.name, values, kinds, result)
        case "abs":
            return lowering_integers.absolute(b, values[0], kinds[0], result)
        case "bit_length":
            return lowering_integers.bit_length(b, values[0], kinds[0], result)
        case "bit_count":
            return lowering_integers.bit_count(b, values[0], kinds[0], result)
    raise TypeError(f"no lowering for the builtin {e.name}")


# Truth


@_value.register
def _compare(e: tree.Compare, b: Builder) -> Value:
    left, right = evaluate(b, e.left), evaluate(b, e.right)
    if isinstance(e.left.type, types.PackedValue | types.PackedUnion | types.Reference):
        return b.compare("eq" if e.operator == "==" else "ne", left, right)
    kinds = (integer_of(e.left.type), integer_of(e.right.type))
    if left.kind != FLAG or right.kind != FLAG:
        left, right = (b.resize(v, max(64, width(k))) for v, k in zip((left, right), kinds, strict=True))
        return lowering_integers.compare(b, e.operator, left, right, kinds)
    wide = [b.resize(v, 64) for v in (left, right)]
    return lowering_integers.compare(b, e.operator, wide[0], wide[1], kinds)


@_value.register
def _same(e: tree.Same, b: Builder) -> Value:
    left, right = evaluate(b, e.left), evaluate(b, e.right)
    return b.compare("ne" if e.negated else "eq", left, right)


@_value.register
def _not(e: tree.Not, b: Builder) -> Value:
    return b.binary("xor", evaluate(b, e.value), ir.Literal(1, FLAG))


@_value.register
def _logical(e: tree.Logical, b: Builder) -> Value:
    answer = b.fresh_slot(e.operator, FLAG)
    done = b.new_block(f"{e.operator}.done")
    for operand in e.values[:-1]:
        value = evaluate(b, operand)
        b.write(answer, value)
        more = b.new_block(e.operator)
        if e.operator == "and":
            b.branch(value, more, done)
        else:
            b.branch(value, done, more)
        b.begin(more)
    b.write(answer, evaluate(b, e.values[-1]))
    b.begin(done)
    return b.read(answer)


@_value.register
def _conditional(e: tree.Conditional, b: Builder) -> Value:
    answer = b.fresh_slot("choice", value_kind(e.type))
    then, otherwise, done = (b.new_block(n) for n in ("then", "else", "chosen"))
    b.branch(evaluate(b, e.test), then, otherwise)
    for block, arm in ((then, e.then), (otherwise, e.otherwise)):
        b.begin(block)
        b.write(answer, evaluate_as(b, arm, e.type))
        b.jump(done)
    b.begin(done)
    return b.read(answer)


# Calls


@_value.register
def _call(e: tree.Call, b: Builder) -> Value:
    values = evaluate_all(b, e.arguments, e.order)
    kinds = zip(e.arguments, e.function.parameters, strict=True)
    values = [adapt(b, v, a.type, k) for v, (a, (_, k)) in zip(values, kinds, strict=True)]
    return call(b, e.function, values) or zero(value_kind(e.type))


def call(b: Builder, function: tree.Function, arguments: list[Value]) -> Value | None:
    """Call a function of the program; its result in its own representation."""
    signature = b.shared.signatures[id(function)]
    if not b.shared.options.machine and function.assembly is not None:
        b.panic(f"{function.name} is assembly: it runs on riscv64 only")
        return None
    if signature.exported:
        arguments = [b.resize(a, 64) if a.kind == FLAG else a for a in arguments]
    failing = b.shared.fails(function) and function.assembly is None
    result: Value | None
    result = b.call_checked(signature, arguments) if failing else b.call(signature, arguments)
    if isinstance(function.result, types.Never):
        b.emit(ir.Unreachable())
    if signature.exported and result is not None and isinstance(function.result, types.Boolean):
        return b.compare("ne", result, b.word(0))
    return result


@_value.register
def _intrinsic(e: tree.IntrinsicCall, b: Builder) -> Value:
    values = evaluate_all(b, e.arguments, range(len(e.arguments)))
    names = [a.text if isinstance(a, tree.TextConstant) else "" for a in e.arguments]
    return lowering_machine.lower(b, e.name, values, names) or zero(value_kind(e.type))


@_value.register
def _failure_item(e: tree.FailureItem, b: Builder) -> Value:
    kinds = field_types(e.cls)
    position = list(e.cls.__dataclass_fields__).index(e.name)  # type: ignore[attr-defined]
    first = sum(lowering_memory.word_count(k) for k in kinds[:position])
    kind = kinds[position]
    slots = b.handling[-1].words[first : first + lowering_memory.word_count(kind)]
    return adapt(b, lowering_memory.from_words(b, [b.read(s) for s in slots], kind), kind, e.type)
