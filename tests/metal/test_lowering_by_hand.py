"""The lowering and the emitter on trees built by hand: each shape once, run on the host, without the reader."""

import pytest

from pith.metal.compiler import ir, tree
from pith.metal.compiler.calling import Panicked
from pith.metal.compiler.jit import Jit
from pith.metal.compiler.llvm import emit
from pith.metal.compiler.lowering import lower
from pith.metal.compiler.lowering_builder import METAL
from pith.metal.compiler.tree import Location
from pith.metal.failures import Failure
from pith.metal.integers import u64
from pith.metal.types import Integer, Nothing, Type

WHERE = Location("hand.py", 1, 1, 2)
U64, I64 = Integer(0, (1 << 64) - 1), Integer(-(1 << 63), (1 << 63) - 1)
WIDE = Integer(-(1 << 130), 1 << 130)


class Refused(Failure):
    code: u64


def local(name: str, kind: Type) -> tree.Local:
    return tree.Local(kind, WHERE, name)


def number(value: int) -> tree.Constant:
    return tree.Constant(Integer(value, value), WHERE, value)


def arithmetic(operator: str, kind: Integer = WIDE, operand: Type = U64) -> tree.Arithmetic:
    return tree.Arithmetic(kind, WHERE, operator, local("a", operand), local("b", operand))


def fitted(value: tree.Expression, kind: Type = U64) -> tree.Convert:
    return tree.Convert(kind, WHERE, value)


def function(
    name: str, body: list[tree.Statement], result: Type = U64, kinds: tuple[Type, ...] = (U64, U64)
) -> tree.Function:
    parameters = list(zip("abcd", kinds, strict=False))
    return tree.Function(name, name, WHERE, parameters, result, dict(parameters), body)


def returning(name: str, value: tree.Expression, result: Type = U64) -> tree.Function:
    return function(name, [tree.Return(WHERE, value)], result)


def jit(*functions: tree.Function, failures: list[type] | None = None) -> Jit:
    return Jit(tree.Program(list(functions), failures or []), list(functions))


@pytest.mark.parametrize(
    ("operator", "a", "b", "expected"),
    [
        ("+", 2, 3, 5),
        ("-", 3, 2, 1),
        ("*", 1 << 32, 3, 3 << 32),
        ("//", 7, 2, 3),
        ("%", 7, 4, 3),
        ("^", 6, 3, 5),
    ],
)
def test_arithmetic_that_fits(operator: str, a: int, b: int, expected: int) -> None:
    assert jit(returning("f", fitted(arithmetic(operator)))).call(0, a, b) == expected


@pytest.mark.parametrize(
    ("operator", "a", "b"), [("+", (1 << 64) - 1, 1), ("-", 1, 2), ("*", 1 << 32, 1 << 32)]
)
def test_arithmetic_that_does_not_fit_panics(operator: str, a: int, b: int) -> None:
    with pytest.raises(Panicked, match="not in 0"):
        jit(returning("f", fitted(arithmetic(operator)))).call(0, a, b)


def test_division_by_zero_panics() -> None:
    with pytest.raises(Panicked, match="division by zero") as caught:
        jit(returning("f", arithmetic("//", U64))).call(0, 1, 0)
    assert (caught.value.file, caught.value.line) == ("hand.py", 1)


def test_a_failure_passes_through_a_caller_and_brings_its_fields() -> None:
    refuse = function("refuse", [tree.Raise(WHERE, Refused, [local("a", U64)])], Nothing())
    refuse.failures = (Refused,)
    caller = function("caller", [tree.Evaluate(WHERE, tree.Call(
        Nothing(), WHERE, refuse, [local("b", U64), local("a", U64)], [0, 1]))], Nothing())  # fmt: skip
    caller.failures = (Refused,)
    with pytest.raises(Refused) as caught:
        jit(refuse, caller, failures=[Refused]).call(1, 1, 77)
    assert caught.value.code == 77


def test_a_handler_catches_reads_the_field_and_goes_on() -> None:
    refuse = function("refuse", [tree.Raise(WHERE, Refused, [local("a", U64)])], Nothing())
    refuse.failures = (Refused,)
    call = tree.Call(Nothing(), WHERE, refuse, [local("a", U64), local("b", U64)], [0, 1])
    item = tree.FailureItem(U64, WHERE, Refused, "code")
    handler = tree.Handler((Refused,), [tree.Return(WHERE, item)])
    attempt = tree.Try(WHERE, [tree.Evaluate(WHERE, call)], [handler], [])
    caller = function("caller", [attempt, tree.Return(WHERE, number(0))])
    assert jit(refuse, caller, failures=[Refused]).call(1, 5, 6) == 5


def test_the_ir_and_the_llvm_text_are_plain() -> None:
    program = tree.Program([returning("f", fitted(arithmetic("+")))])
    lowered = lower(program, METAL)
    assert "overflowing.uadd" in ir.show_ir(lowered)
    text = emit(lowered)
    assert "call { i64, i1 } @llvm.uadd.with.overflow.i64(i64 %r" in text
    assert '!DILocalVariable(name: "a", arg: 1' in text
