"""Statements: assignments, branches, loops, failures. (`match` has its own file.)"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from ..types import Integer, Type, View
from . import ir, lowering_integers, lowering_match, lowering_memory, tree
from .ir import WORD, Value
from .lowering_builder import FAILURE_DATA, Builder, Handling
from .lowering_expressions import (
    adapt,
    checked_index,
    element_pointer,
    evaluate,
    evaluate_all,
    evaluate_as,
    view_parts,
)
from .lowering_types import common_width, field_types, integer_of, record_types, width
from .tree import Statement


def execute(b: Builder, statements: Sequence[Statement]) -> None:
    """Write the statements, one after the other."""
    for statement in statements:
        b.location = statement.location
        _execute(statement, b)


@singledispatch
def _execute(statement: Statement, b: Builder) -> None:
    raise TypeError(f"no lowering for {type(statement).__name__}")


def assign(b: Builder, name: str, value: Value, kind: Type) -> None:
    """Give the local `name` a value of type `kind`."""
    slot = b.slots[name]
    b.write(slot, adapt(b, value, kind, slot.type or kind))


@_execute.register
def _assign(s: tree.Assign, b: Builder) -> None:
    assign(b, s.name, evaluate(b, s.value), s.value.type)


@_execute.register
def _store_field(s: tree.StoreField, b: Builder) -> None:
    value, pointer = evaluate_all(b, [s.value, s.object], (0, 1))
    value = adapt(b, value, s.value.type, s.field.type)
    b.location = s.location
    lowering_memory.store(b, pointer, s.field.offset, s.field.type, value)


@_execute.register
def _store_element(s: tree.StoreElement, b: Builder) -> None:
    value, view, index = evaluate_all(b, [s.value, s.view, s.index], (0, 1, 2))
    assert isinstance(s.view.type, View)
    element = s.view.type.element
    pointer, length = view_parts(b, view, s.view.type)
    place = element_pointer(b, s.view, pointer, checked_index(b, index, s.index.type, length))
    lowering_memory.store(b, place, 0, element, adapt(b, value, s.value.type, element))


@_execute.register
def _unpack(s: tree.Unpack, b: Builder) -> None:
    whole = evaluate(b, s.value)
    for i, (name, kind) in enumerate(zip(s.names, record_types(s.value.type), strict=True)):  # type: ignore[arg-type]
        if name is not None:
            assign(b, name, b.item(whole, i), kind)


@_execute.register
def _evaluate(s: tree.Evaluate, b: Builder) -> None:
    evaluate(b, s.value)


@_execute.register
def _if(s: tree.If, b: Builder) -> None:
    then, otherwise, done = (b.new_block(n) for n in ("then", "else", "done"))
    b.branch(evaluate(b, s.test), then, otherwise)
    b.begin(then)
    execute(b, s.then)
    if not b.block.ended:
        b.jump(done)
    b.begin(otherwise)
    execute(b, s.otherwise)
    b.begin(done)


@_execute.register
def _while(s: tree.While, b: Builder) -> None:
    test, body, done = (b.new_block(n) for n in ("while", "body", "done"))
    b.begin(test)
    b.branch(evaluate(b, s.test), body, done)
    b.begin(body)
    _loop_body(b, s.body, test, done)
    b.jump(test)
    b.begin(done)


def _loop_body(b: Builder, body: list[Statement], again: ir.Block, done: ir.Block) -> None:
    b.loops.append((again, done))
    execute(b, body)
    b.loops.pop()


@_execute.register
def _for_range(s: tree.ForRange, b: Builder) -> None:
    start, stop = evaluate(b, s.start), evaluate(b, s.stop)
    first, last = integer_of(s.start.type), integer_of(s.stop.type)
    # The counter is not the variable: the body may assign to that. It ends within a step of `stop`.
    if s.step > 0:
        kind = Integer(min(first.low, last.low), max(first.high, last.high - 1 + s.step))
    else:
        kind = Integer(min(first.low, last.low + 1 + s.step), max(first.high, last.high))
    bits = common_width(kind, first, last)
    counter = b.fresh_slot("counter", ir.Int(bits))
    b.write(counter, lowering_integers.at_width(b, start, first, bits))
    end = lowering_integers.at_width(b, stop, last, bits)
    test, body, again, done = (b.new_block(n) for n in ("for", "body", "next", "done"))
    b.begin(test)
    now = b.read(counter)
    predicate = ("s" if kind.signed else "u") + ("lt" if s.step > 0 else "gt")
    b.branch(b.compare(predicate, now, end), body, done)
    b.begin(body)
    target = b.slots[s.name].type
    b.write(b.slots[s.name], b.resize(now, width(integer_of(target or kind)), kind.signed))
    _loop_body(b, s.body, again, done)
    b.begin(again)
    b.location = s.location
    b.write(counter, b.binary("add", b.read(counter), ir.Literal(s.step, ir.Int(bits))))
    b.jump(test)
    b.begin(done)


@_execute.register
def _for_each(s: tree.ForEach, b: Builder) -> None:
    assert isinstance(s.view.type, View)
    element = s.view.type.element
    pointer, length = view_parts(b, evaluate(b, s.view), s.view.type)
    counter = b.fresh_slot("counter", WORD)
    b.write(counter, b.word(0))
    test, body, again, done = (b.new_block(n) for n in ("for", "body", "next", "done"))
    b.begin(test)
    index = b.read(counter)
    b.branch(b.compare("ult", index, length), body, done)
    b.begin(body)
    is_constant = isinstance(s.view, tree.ConstantTable)
    value = lowering_memory.load(b, element_pointer(b, s.view, pointer, index), 0, element, is_constant)
    assign(b, s.name, value, element)
    _loop_body(b, s.body, again, done)
    b.begin(again)
    b.location = s.location
    b.write(counter, b.binary("add", b.read(counter), b.word(1), "nuw"))
    b.jump(test)
    b.begin(done)


@_execute.register
def _break(s: tree.Break, b: Builder) -> None:
    b.jump(b.loops[-1][1])


@_execute.register
def _continue(s: tree.Continue, b: Builder) -> None:
    b.jump(b.loops[-1][0])


@_execute.register
def _return(s: tree.Return, b: Builder) -> None:
    value = evaluate_as(b, s.value, b.result) if s.value is not None else None
    return_value(b, value)


def return_value(b: Builder, value: Value | None) -> None:
    """Return from a function, with the number 0 beside the result if it can fail."""
    result = b.signature.result
    if result is None:
        b.emit(ir.Return(None))
    elif b.fails:
        paired = isinstance(result, ir.Aggregate) and value is not None
        b.emit(ir.Return(b.compose([b.word(0), value]) if paired and value is not None else b.word(0)))
    else:
        assert value is not None
        exported_flag = b.signature.exported and value.kind == ir.FLAG
        b.emit(ir.Return(b.resize(value, 64) if exported_flag else value))


@_execute.register
def _panic(s: tree.Panic, b: Builder) -> None:
    b.panic(s.reason)


# Failures


@_execute.register
def _raise(s: tree.Raise, b: Builder) -> None:
    if s.cls is None:
        again = b.handling[-1]
        _write_words(b, [b.read(w) for w in again.words])
        b.fail(b.read(again.number))
        return
    kinds = field_types(s.cls)
    values = evaluate_all(b, s.values, range(len(s.values)))
    words = [
        word
        for value, given, kind in zip(values, s.values, kinds, strict=True)
        for word in lowering_memory.to_words(b, adapt(b, value, given.type, kind), kind)
    ]
    _write_words(b, words)
    b.fail(b.word(b.shared.failure_numbers[s.cls]))


def _write_words(b: Builder, words: list[Value]) -> None:
    for i, word in enumerate(words):
        b.store(ir.Address(FAILURE_DATA), 8 * i, word, 8)


@_execute.register
def _try(s: tree.Try, b: Builder) -> None:
    landing, done = b.new_block("except"), b.new_block("done")
    b.landings.append(landing)
    execute(b, s.body)
    b.landings.pop()
    execute(b, s.otherwise)
    if not b.block.ended:
        b.jump(done)
    b.blocks.append(landing)
    b.block = landing
    b.location = s.location
    number = b.read(b.own_slot("failure", WORD))
    handlers = [
        (h, b.new_block("handler")) for h in s.handlers if h.classes
    ]  # without classes, nothing arrives
    unhandled = b.new_block("unhandled")
    b.emit(ir.Switch(number, _cases(b, handlers), unhandled))
    b.begin(unhandled)
    b.fail(number)
    for handler, block in handlers:
        b.begin(block)
        _handle(b, handler, number)
        if not b.block.ended:
            b.jump(done)
    b.begin(done)


def _cases(b: Builder, handlers: list[tuple[tree.Handler, ir.Block]]) -> list[tuple[int, ir.Block]]:
    """Which handler takes which failure: the first whose classes have it."""
    cases: dict[int, ir.Block] = {}
    for handler, block in handlers:
        for cls, number in b.shared.failure_numbers.items():
            if issubclass(cls, handler.classes):
                cases.setdefault(number, block)
    return list(cases.items())


def _handle(b: Builder, handler: tree.Handler, number: Value) -> None:
    """The handler's body, with the failure's fields in slots: another failure may pass through meanwhile."""
    caught = [c for c in b.shared.failure_numbers if issubclass(c, handler.classes)]
    count = max((sum(map(lowering_memory.word_count, field_types(c))) for c in caught), default=0)
    kept = Handling(b.fresh_slot("caught", WORD), [b.fresh_slot("word", WORD) for _ in range(count)])
    b.write(kept.number, number)
    for i, slot in enumerate(kept.words):
        b.write(slot, b.load(ir.Address(FAILURE_DATA), 8 * i, WORD, 8))
    b.handling.append(kept)
    execute(b, handler.body)
    b.handling.pop()


@_execute.register
def _match(s: tree.Match, b: Builder) -> None:
    lowering_match.match(b, s, execute)
