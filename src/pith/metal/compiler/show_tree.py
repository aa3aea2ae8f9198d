"""The typed tree as text, for `pith compile --show tree` and for tests: one line a statement, types where they matter.

The text is close to Python, but every conversion, load and temporary of the tree is visible in it:

    def sample.total(node: Node | None) -> u64
        result: u64 = 0
        while node is not None
            result = u64?(result + node:Node.value)

`u64?(x)` is a checked conversion, `u64(x)` one that is proven to fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..types import Enumeration, Reference
from . import tree
from .reader.kinds import describe


def show_tree(program: tree.Program) -> str:
    """The whole program, its functions in the order in which they were found."""
    head = [f"static {symbol}: {type(instance).__name__}" for symbol, instance in program.statics]
    head += [f"failure {number}: {cls.__name__}" for number, cls in enumerate(program.failures, 1)]
    parts = ["\n".join(head)] if head else []
    return "\n\n".join(parts + [show_function(function) for function in program.functions]) + "\n"


def show_function(function: tree.Function) -> str:
    """One function: head, locals that are not parameters, body."""
    parameters = ", ".join(f"{name}: {describe(kind)}" for name, kind in function.parameters)
    head = f"def {function.symbol}({parameters}) -> {describe(function.result)}"
    if function.failures:
        head += f" raises {', '.join(f.__name__ for f in function.failures)}"
    named = dict(function.parameters)
    lines = [head] + [
        f"    {name}: {describe(kind)}" for name, kind in function.locals.items() if name not in named
    ]
    if function.assembly is not None:
        return "\n".join([*lines, "    assembly"])
    return "\n".join(lines + [f"    {line}" for line in _block(function.body)])


def _block(statements: list[tree.Statement]) -> Iterator[str]:
    for statement in statements:
        yield from show_statement(statement)


def _inside(head: str, statements: list[tree.Statement]) -> Iterator[str]:
    yield head
    for line in _block(statements):
        yield f"    {line}"


def show_statement(statement: tree.Statement) -> Iterator[str]:
    """The lines of one statement."""
    show = show_expression
    match statement:
        case tree.Assign(name=name, value=value):
            yield f"{name} = {show(value)}"
        case tree.StoreField(object=target, field=field, value=value):
            yield f"{show(target)}.{field.name} = {show(value)}"
        case tree.StoreElement(view=view, index=index, value=value):
            yield f"{show(view)}[{show(index)}] = {show(value)}"
        case tree.Unpack(names=names, value=value):
            yield f"{', '.join(n or '_' for n in names)} = {show(value)}"
        case tree.Evaluate(value=value):
            yield show(value)
        case tree.Return(value=result):
            yield "return" if result is None else f"return {show(result)}"
        case tree.Raise(cls=cls, values=values):
            yield f"raise {cls.__name__}({_list(values)})" if cls else "raise"
        case tree.Panic(reason=reason):
            yield f"panic {reason!r}"
        case tree.Break():
            yield "break"
        case tree.Continue():
            yield "continue"
        case _:
            yield from _compound(statement)


def _compound(statement: tree.Statement) -> Iterator[str]:
    show = show_expression
    match statement:
        case tree.If(test=test, then=then, otherwise=otherwise):
            yield from _inside(f"if {show(test)}", then)
            if otherwise:
                yield from _inside("else", otherwise)
        case tree.While(test=test, body=body):
            yield from _inside(f"while {show(test)}", body)
        case tree.ForRange(name=name, start=start, stop=stop, step=step, body=body):
            yield from _inside(f"for {name} in range({show(start)}, {show(stop)}, {step})", body)
        case tree.ForEach(name=name, view=view, body=body):
            yield from _inside(f"for {name} in {show(view)}", body)
        case tree.Try(body=body, handlers=handlers, otherwise=otherwise):
            yield from _inside("try", body)
            for handler in handlers:
                yield from _inside(
                    f"except {', '.join(c.__name__ for c in handler.classes) or '(never)'}", handler.body
                )
            if otherwise:
                yield from _inside("else", otherwise)
        case tree.Match(subject=subject, cases=cases):
            yield f"match {show(subject)}"
            for case in cases:
                yield from (f"    {line}" for line in _case(case, subject))


def _case(case: tree.Case, subject: tree.Local) -> Iterator[str]:
    if case.keys is None:
        keys = "_"
    else:
        keys = " | ".join(_key(key, subject) for key in case.keys)
    head = f"case {keys}"
    if case.condition is not None:
        head += f" where {show_expression(case.condition)}"
    if case.bindings:
        head += " with " + ", ".join(f"{name} = {show_expression(value)}" for name, value in case.bindings)
    if case.guard is not None:
        head += f" if {show_expression(case.guard)}"
    return _inside(head, case.body)


def _key(key: Any, subject: tree.Local) -> str:
    if isinstance(key, type):
        return key.__name__
    return subject.type.cls(key).name if isinstance(subject.type, Enumeration) else str(key)


def _list(items: list[tree.Expression]) -> str:
    return ", ".join(show_expression(item) for item in items)


def show_expression(node: tree.Expression) -> str:
    """One expression, operators in brackets."""
    show = show_expression
    match node:
        case tree.Constant():
            return _constant(node)
        case tree.TextConstant(text=text):
            return repr(text)
        case tree.Local(name=name):
            return name
        case tree.AssignedLocal(name=name, value=value):
            return f"({name} := {show(value)})"
        case tree.ConstantTable(items=items):
            return f"table{items}"
        case tree.StaticReference(symbol=symbol):
            return symbol
        case tree.LoadField(object=value, field=field):
            return f"{show(value)}.{field.name}"
        case tree.LoadBits(value=value, field=bit_field):
            return f"{show(value)}.{bit_field.name}"
        case tree.RecordItem(value=value, index=index):
            return f"{show(value)}.{index}"
        case (
            tree.Arithmetic(operator=symbol, left=left, right=right)
            | tree.Compare(operator=symbol, left=left, right=right)
        ):
            return f"({show(left)} {symbol} {show(right)})"
        case tree.Convert(value=value, proven=proven):
            return f"{describe(node.type)}{'' if proven else '?'}({show(value)})"
        case tree.Call(function=function, arguments=arguments, order=order):
            suffix = "" if order == sorted(order) else f" in order {order}"
            return f"{function.symbol}({_list(arguments)}{suffix})"
    return _other(node)


def _constant(node: tree.Constant) -> str:
    if isinstance(node.type, Enumeration):
        return f"{node.type.cls.__name__}.{node.type.cls(node.value).name}"
    if isinstance(node.type, Reference) or describe(node.type) == "None":
        return "None"
    return str(bool(node.value)) if describe(node.type) == "bool" else str(node.value)


def _other(node: tree.Expression) -> str:
    show = show_expression
    match node:
        case tree.Same(left=left, right=right, negated=negated):
            return f"({show(left)} is{' not' if negated else ''} {show(right)})"
        case tree.Not(value=value):
            return f"not {show(value)}"
        case tree.Negate(value=value):
            return f"-{show(value)}"
        case tree.Invert(value=value):
            return f"~{show(value)}"
        case tree.Logical(operator=word, values=values):
            return "(" + f" {word} ".join(show(v) for v in values) + ")"
        case tree.Conditional(test=test, then=then, otherwise=otherwise):
            return f"({show(then)} if {show(test)} else {show(otherwise)})"
        case tree.Element(view=view, index=index):
            return f"{show(view)}[{show(index)}]"
        case tree.IsVariant(value=value, variants=variants):
            return f"isinstance({show(value)}, {' | '.join(v.__name__ for v in variants)})"
        case tree.MakePacked(cls=cls, fields=fields):
            return f"{cls.__name__}({', '.join(f'{f.name}={show(v)}' for f, v in fields)})"
        case tree.ReplaceBits(value=value, fields=fields):
            return f"replace({show(value)}, {', '.join(f'{f.name}={show(v)}' for f, v in fields)})"
        case tree.FailureItem(cls=cls, name=name):
            return f"failure[{cls.__name__}].{name}"
    return _named(node)


def _named(node: tree.Expression) -> str:
    """Nodes that read best as calls, with the type that they make."""
    show = show_expression
    match node:
        case tree.MakeRecord(items=items, order=order):
            suffix = "" if order == sorted(order) else f" in order {order}"
            return f"{describe(node.type)}({_list(items)}{suffix})"
        case (
            tree.Builtin(name=name, arguments=arguments) | tree.IntrinsicCall(name=name, arguments=arguments)
        ):
            return f"{name}({_list(arguments)})"
        case tree.Length(value=value):
            return f"len({show(value)})"
        case tree.TextByte(text=text, index=index):
            return f"ord({show(text)}[{show(index)}])"
        case tree.MakeView(address=address, length=length):
            return f"{describe(node.type)}.at({show(address)}, {show(length)})"
        case tree.PartOfView(view=view, start=start, length=length):
            return f"{show(view)}.part({show(start)}, {show(length)})"
        case tree.AddressOf(value=value):
            return f"{show(value)}.address"
        case tree.StructAt(address=address):
            return f"{describe(node.type)}.at({show(address)})"
        case tree.PackedBits(value=value):
            return f"{show(value)}.bits"
        case tree.PackedFromBits(raw=raw):
            return f"{describe(node.type)}.from_bits({show(raw)})"
    return type(node).__name__
