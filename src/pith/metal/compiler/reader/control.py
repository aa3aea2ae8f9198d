"""Statements that choose where to go on: `if`, loops, `raise`, `try`.

Each leaves `body.state` as what is known behind it. On top of a loop, what the loop assigns is as wide as declared.
"""

from __future__ import annotations

import ast
from typing import Any

from ...failures import Failure
from ...types import Integer, View
from .. import tree
from ..diagnostics import Rejected
from . import attributes, kinds, names, operators, tables
from .body import Body, Caught, Condition, Loop, reads
from .construction import record_arguments
from .conversions import as_integer, integer_type
from .flow import State, forget_assigned, meet, meet_all
from .narrowing import class_list
from .statements import assign_local


def _condition(body: Body, node: ast.expr) -> Condition | None:
    """The test of an `if` or `while`; None if it was wrong, and both ways are then read all the same."""
    try:
        return body.condition(node)
    except Rejected as rejected:
        body.note(rejected)
        return None


@reads(ast.If)
def _if(body: Body, node: ast.If) -> list[tree.Statement]:
    before = body.state.copy()
    condition = _condition(body, node.test)
    true, false = (condition.true, condition.false) if condition else (before, before.copy())
    body.state = true
    then = body.block(node.body)
    after = body.state
    body.state = false
    otherwise = body.block(node.orelse)
    body.state = meet(after, body.state)
    if condition is None:
        return []
    if isinstance(condition.test, tree.Constant):
        return then if condition.test.value else otherwise
    return [tree.If(body.at(node.test), condition.test, then, otherwise)]


# Loops ----------------------------------------------------------------------------------------------------------------


def _refuse_else(body: Body, node: ast.For | ast.While) -> None:
    if node.orelse:
        body.reject(
            node.orelse[0], "a loop's `else` is not in the language", "set a flag before `break`, and test it"
        )


def _read_loop(body: Body, nodes: list[ast.stmt], top: State) -> tuple[list[tree.Statement], Loop]:
    loop = Loop()
    body.loops.append(loop)
    body.state = top
    statements = body.block(nodes)
    body.loops.pop()
    return statements, loop


@reads(ast.While)
def _while(body: Body, node: ast.While) -> list[tree.Statement]:
    _refuse_else(body, node)
    body.state = forget_assigned(body.state, [node])
    before = body.state.copy()
    condition = _condition(body, node.test)
    true, false = (condition.true, condition.false) if condition else (before, before.copy())
    if not true.reachable:
        body.state = false
        return []
    statements, loop = _read_loop(body, node.body, true)
    body.state = meet_all([false, *loop.breaks], before)
    test = condition.test if condition else tree.Constant(kinds.BOOLEAN, body.at(node), 1)
    return [tree.While(body.at(node.test), test, statements)]


@reads(ast.For)
def _for(body: Body, node: ast.For) -> list[tree.Statement]:
    _refuse_else(body, node)
    if not isinstance(node.target, ast.Name):
        body.reject(node.target, "a loop has one variable", "take the item apart inside the loop")
    if isinstance(node.iter, ast.Call) and names.known(body, node.iter.func) is range:
        return _for_range(body, node, node.target.id, node.iter)
    if isinstance(node.iter, ast.Tuple | ast.List):
        body.reject(
            node.iter,
            "a loop over items written here is not in the language",
            "name them: a tuple at module level",
        )
    constants = names.known(body, node.iter)
    is_table = isinstance(constants, tuple)
    view = tables.table(body, constants, node.iter) if is_table else body.expression(node.iter)
    if not isinstance(view.type, View):
        body.reject(
            node.iter, f"{kinds.describe(view.type)} has no elements", "loop over `range(...)` or an Array"
        )
    element = operators.element_type(view)
    top = forget_assigned(body.state, [node])
    body.state = top.copy()
    name, ahead = _loop_variable(body, node, element)
    statements, loop = _read_loop(body, node.body, body.state)
    body.state = meet_all([top, body.state, *loop.breaks, *loop.continues], top)
    return [tree.ForEach(body.at(node), name, view, ahead + statements)]


def _loop_variable(body: Body, node: ast.For, kind: Any) -> tuple[str, list[tree.Statement]]:
    """The local that a loop counts in: the named one if its type fits exactly, else a fresh one that is copied."""
    assert isinstance(node.target, ast.Name)
    name = node.target.id
    body.poisoned.discard(name)
    if kinds.same(body.admit(name, kind, node.target), kind):
        body.bind(name, kind)
        return name, []
    counter = body.temporary(kind, node.target)
    return counter.name, [assign_local(body, name, counter, node.target)]


def _for_range(body: Body, node: ast.For, name: str, call: ast.Call) -> list[tree.Statement]:
    start, stop, step = _bounds(body, call)
    low, high = integer_type(start), integer_type(stop)
    kind = Integer(low.low, high.high - 1) if step > 0 else Integer(high.low + 1, low.high)
    top = forget_assigned(body.state, [node])
    if kind.low > kind.high:  # never entered
        body.state = top
        return [tree.Evaluate(b.location, b) for b in (start, stop) if not isinstance(b, tree.Constant)]
    body.state = top.copy()
    variable, ahead = _loop_variable(body, node, kind)
    statements, loop = _read_loop(body, node.body, body.state)
    runs = low.high < high.low if step > 0 else low.low > high.high
    ends = [body.state, *loop.breaks, *loop.continues]
    body.state = meet_all(ends if runs else [top, *ends], top)
    return [tree.ForRange(body.at(node), variable, start, stop, step, ahead + statements)]


def _bounds(body: Body, call: ast.Call) -> tuple[tree.Expression, tree.Expression, int]:
    if call.keywords or not 1 <= len(call.args) <= 3:
        body.reject(call, "`range` takes one to three integers", "write `range(start, stop)`")
    step: Any = 1
    if len(call.args) == 3:
        step = names.known(body, call.args[2])
        match call.args[2]:
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
                step = -number
        if not isinstance(step, int) or step == 0:
            body.reject(call.args[2], "the step of a range is a constant other than 0", "write a number")
    values = [as_integer(body, body.expression(a), a) for a in call.args[:2]]
    if len(values) == 1:
        values.insert(0, tree.Constant(Integer(0, 0), body.at(call), 0))
    return values[0], values[1], step


@reads(ast.Break)
def _break(body: Body, node: ast.Break) -> list[tree.Statement]:
    body.loops[-1].breaks.append(body.state)
    body.state = body.state.dead()
    return [tree.Break(body.at(node))]


@reads(ast.Continue)
def _continue(body: Body, node: ast.Continue) -> list[tree.Statement]:
    body.loops[-1].continues.append(body.state)
    body.state = body.state.dead()
    return [tree.Continue(body.at(node))]


# Failures ---------------------------------------------------------------------------------------------------------------


@reads(ast.Raise)
def _raise(body: Body, node: ast.Raise) -> list[tree.Statement]:
    at = body.at(node)
    if node.exc is None or _is_caught(body, node.exc):
        if not body.handler_depth:
            body.reject(node, "there is no failure to raise again here", "name one: `raise SomeFailure(...)`")
        if node.exc is not None and body.caught and body.caught[-1].name != body.text(node.exc):
            body.reject(
                node, "only the innermost failure can be raised again", "raise it before the inner `try`"
            )
        body.state = body.state.dead()
        return [tree.Raise(at, None, [])]
    call = (
        node.exc
        if isinstance(node.exc, ast.Call)
        else ast.copy_location(ast.Call(node.exc, [], []), node.exc)
    )
    cls = names.known(body, call.func)
    if not isinstance(cls, type) or not issubclass(cls, BaseException):
        attributes.refuse_missing(body, call.func)
        body.reject(
            node.exc, f"`{body.text(node.exc)}` is not a failure", "raise a class that derives from Failure"
        )
    if not issubclass(cls, Failure):
        body.reject(
            node.exc,
            f"{cls.__name__} is not a declared failure",
            "derive a class from Failure, or stop with panic(...)",
        )
    values, order = record_arguments(body, call, cls) if cls is not Failure else ([], [])
    held: list[tree.Statement] = []
    if order != sorted(order):
        for position in order:
            more, values[position] = body.hold(values[position], call)
            held += more
    body.state = body.state.dead()
    return [*held, tree.Raise(at, cls, values)]


def _is_caught(body: Body, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and any(c.name == node.id for c in body.caught)


@reads(ast.Try)
def _try(body: Body, node: ast.Try) -> list[tree.Statement]:
    if node.finalbody:
        body.reject(
            node.finalbody[0],
            "`finally` is not in the language",
            "write what must happen on both ways, or a function",
        )
    entry = forget_assigned(body.state, node.body)
    statements = body.block(node.body)
    otherwise = body.block(node.orelse)
    ends = [body.state]
    handlers: list[tree.Handler] = []
    covered: list[type] = []
    for handler in node.handlers:
        body.state = entry.copy()
        try:
            handlers.append(_handler(body, handler, covered))
        except Rejected as rejected:
            body.note(rejected)
        ends.append(body.state)
    body.state = meet_all(ends, entry)
    return [tree.Try(body.at(node), statements, handlers, otherwise)]


def _handler(body: Body, node: ast.ExceptHandler, covered: list[type]) -> tree.Handler:
    classes = _caught_classes(body, node, covered)
    covered += classes
    ahead: list[tree.Statement] = []
    body.handler_depth += 1
    if node.name:
        ahead = _take_fields(body, node, node.name, classes)
    statements = body.block(node.body)
    body.handler_depth -= 1
    if node.name:
        body.caught.pop()
    return tree.Handler(tuple(classes), ahead + statements)


def _caught_classes(body: Body, node: ast.ExceptHandler, covered: list[type]) -> list[type]:
    if node.type is None:
        body.reject(
            node, "a bare `except` also catches what is a panic on the metal", "write `except Failure`"
        )
    classes = class_list(body, node.type)
    for cls in classes:
        if not issubclass(cls, Failure):
            body.reject(
                node.type,
                f"{cls.__name__} cannot be caught: it is a panic on the metal",
                "test before, or declare and raise a Failure",
            )
    for cls in classes:
        before = next((c for c in covered if issubclass(cls, c)), None)
        if before is not None:
            body.reject(
                node.type,
                f"{cls.__name__} was caught above, by `except {before.__name__}`",
                "put this handler first",
            )
    return classes


def _uses(node: ast.ExceptHandler, name: str) -> tuple[dict[str, ast.AST], ast.AST | None]:
    """Where a handler reads the fields of its failure, by field; and where it takes the failure as a whole."""
    fields: dict[str, ast.AST] = {}
    names: list[ast.AST] = []
    for inner in (i for statement in node.body for i in ast.walk(statement)):
        match inner:
            case ast.Attribute(value=ast.Name(id=found), attr=attr) if found == name:
                fields.setdefault(attr, inner)
                names.append(inner.value)
            case ast.Raise(exc=ast.Name(id=found) as raised) if found == name:
                names.append(raised)
    whole = [
        i
        for statement in node.body
        for i in ast.walk(statement)
        if isinstance(i, ast.Name) and i.id == name and i not in names
    ]
    return fields, whole[0] if whole else None


def _take_fields(body: Body, node: ast.ExceptHandler, name: str, classes: list[type]) -> list[tree.Statement]:
    """Put the fields that the handler reads into locals, before anything else can raise."""
    cls = classes[0]
    caught = Caught(name, cls, {})
    body.caught.append(caught)
    used, whole = _uses(node, name)
    if whole is not None and cls is not Failure:
        used |= {field_name: whole for field_name, _ in kinds.record_items(cls) if field_name not in used}
    if used and len(classes) > 1:
        body.caught.pop()
        place = next(iter(used.values()))
        body.reject(
            place,
            "which failure this is, and what fields it has, is not known here",
            "write one handler for each",
        )
    taken: list[tree.Statement] = []
    for field_name, kind in kinds.record_items(cls) if cls is not Failure else ():
        if field_name in used:
            place = used[field_name]
            local = body.temporary(kind, place)
            caught.fields[field_name] = local.name
            item = tree.FailureItem(kind, body.at(place), cls, field_name)
            taken.append(tree.Assign(body.at(place), local.name, item))
    return taken
