"""From the typed tree to the IR: the program and its functions.

    lowering            the program, functions, their signatures
    lowering_builder    what all parts write with: blocks, checks, failures
    lowering_types      how types are represented
    lowering_integers   exact arithmetic in fixed widths
    lowering_memory     values in memory and as words
    lowering_packed     bit-fields            lowering_machine      the processor's operations
    lowering_expressions                      lowering_statements   lowering_match

A function that can fail returns {failure number, result}, or the number alone; 0 is success.
"""

from __future__ import annotations

from .. import types
from ..types import Integer, Type
from . import ir, tree
from .ir import POINTER, WORD
from .lowering_builder import FAILURE_DATA, PANIC_DATA, Builder, Options, Shared, zero
from .lowering_expressions import call
from .lowering_integers import check
from .lowering_memory import check_member, from_words, to_words, word_count
from .lowering_statements import execute, return_value
from .lowering_types import integer_of, kind_of, value_kind

DEFAULT_PANIC = "1:  ebreak\n    wfi\n    j 1b"
_UNSIGNED, _SIGNED = Integer(0, (1 << 64) - 1), Integer(-(1 << 63), (1 << 63) - 1)


def lower(program: tree.Program, options: Options, wrapped: list[tree.Function] | None = None) -> ir.Program:
    """The program in IR. Each function of `wrapped` gets an exported wrapper `pith.call.INDEX` (see `_wrapper`)."""
    out = ir.Program()
    shared = Shared(out, options, {cls: i + 1 for i, cls in enumerate(program.failures)})
    out.data = [_data(symbol, instance, options) for symbol, instance in program.statics]
    out.data.append(ir.Data(FAILURE_DATA, 64, 8))
    if options.panics_return:
        out.data.append(ir.Data(PANIC_DATA, 16, 8))
    for function in program.functions:
        shared.signatures[id(function)] = _signature(shared, function)
    for function in program.functions:
        _lower_function(shared, function)
    out.functions += [_wrapper(shared, function, i) for i, function in enumerate(wrapped or [])]
    if not options.panics_return and not any(f.symbol == "pith_panic" for f in program.functions):
        out.assembly.append(("pith_panic", DEFAULT_PANIC))
    return out


def _data(symbol: str, instance: object, options: Options) -> ir.Data:
    cls = type(instance)
    embedded = types.Embedded(cls)
    address = instance.address if options.arena_statics else None  # type: ignore[attr-defined]
    return ir.Data(symbol, embedded.size, max(8, embedded.alignment), address, embedded)


def _signature(shared: Shared, function: tree.Function) -> ir.Signature:
    external = (function.exported or function.assembly is not None) and shared.options.machine
    kinds = [value_kind(k) for _, k in function.parameters]
    result = kind_of(function.result)
    if external:  # the C calling convention has no single bits
        kinds = [WORD if k == ir.FLAG else k for k in kinds]
        result = WORD if result == ir.FLAG else result
    failing = shared.fails(function) and function.assembly is None
    if failing:
        result = ir.Aggregate((WORD, result)) if result else WORD
    returns = failing or not isinstance(function.result, types.Never)
    known = [None if external else _known_range(k) for _, k in function.parameters]
    known_result = None if external or failing else _known_range(function.result)
    never_null = not external and not failing and _is_reference(function.result)
    return ir.Signature(
        function.symbol, kinds, result, returns, external, known, known_result, never_null, function.cold
    )


def _is_reference(kind: Type) -> bool:
    return isinstance(kind, types.Reference) and not kind.nullable


def _known_range(kind: Type) -> tuple[int, int] | None:
    """What LLVM may be told of a word-sized integer."""
    if not isinstance(kind, Integer | types.Enumeration):
        return None
    integer = integer_of(kind)
    whole = integer in (_UNSIGNED, _SIGNED)
    return None if whole or value_kind(kind) != WORD else (integer.low, integer.high)


def _lower_function(shared: Shared, function: tree.Function) -> None:
    signature = shared.signatures[id(function)]
    if function.assembly is not None:
        if shared.options.machine:
            shared.program.assembly.append((function.symbol, function.assembly))
            shared.program.declared.append(signature)
        return
    b = Builder(shared, signature, function.result, shared.fails(function))
    b.location = function.location
    _enter(b, function)
    execute(b, function.body)
    if not b.block.ended:
        _leave(b, function)
    lowered = b.finished(function.inline, function)
    lowered.outermost = function.outermost
    shared.program.functions.append(lowered)


def _enter(b: Builder, function: tree.Function) -> None:
    """Give every local its slot, and the parameters their values."""
    names = [name for name, _ in function.parameters]
    for position, (name, kind) in enumerate(function.parameters):
        declared = function.locals.get(name, kind)
        slot = b.slot(name, value_kind(declared), declared, position + 1)
        value: ir.Value = b.parameters[position]
        b.write(slot, _from_outside(b, value, kind) if b.signature.exported else value)
    for name, kind in function.locals.items():
        if name not in names:
            b.write(b.slot(name, value_kind(kind), kind), zero(value_kind(kind)))


def _from_outside(b: Builder, value: ir.Value, kind: Type) -> ir.Value:
    """A parameter of an exported function: checked, since its caller is not ours."""
    match kind:
        case Integer():
            return check(b, value, _SIGNED if kind.signed else _UNSIGNED, kind, "argument out of range")
        case types.Boolean():
            return b.compare("ne", value, b.word(0))
        case types.Enumeration():
            outside = _SIGNED if kind.storage.signed else _UNSIGNED
            return check_member(b, value, outside, kind, f"no member of {kind.cls.__name__}")
    return value


def _leave(b: Builder, function: tree.Function) -> None:
    """The end of the body: a plain return, or a place that the reader has shown to be out of reach."""
    if isinstance(function.result, types.Nothing):
        return_value(b, None)
    elif isinstance(function.result, types.Never) and not b.fails:
        b.emit(ir.Unreachable())
    else:
        b.panic("the function ended without a result")


def _wrapper(shared: Shared, function: tree.Function, index: int) -> ir.Function:
    """`pith.call.INDEX(arguments, results) -> number`: calls `function` with values passed as words in memory.

    Made for tests, which compare compiled code with CPython: the same call on every machine. The number is 0 and
    the words of the result are written; or it is a failure's, with its fields in `pith.failure`.
    """
    signature = ir.Signature(f"pith.call.{index}", [POINTER, POINTER], WORD, exported=True)
    b = Builder(shared, signature, Integer(0, _UNSIGNED.high), fails=True)
    b.location = function.location
    arguments, results = b.parameters
    values, at = [], 0
    for _, kind in function.parameters:
        words: list[ir.Value] = [b.load(arguments, 8 * (at + i), WORD, 8) for i in range(word_count(kind))]
        at += len(words)
        values.append(from_words(b, words, kind))
    result = call(b, function, values)
    for i, word in enumerate(to_words(b, result, function.result)):
        b.store(results, 8 * i, word, 8)
    b.emit(ir.Return(b.word(0)))
    return b.finished(None, None)
