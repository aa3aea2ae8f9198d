"""One function being read: its locals, the state at the point that has been reached, and the way to every visitor.

The rooms that read expressions, conditions, statements and patterns register their visitors here by the class of
node that they take (`@reads(ast.BinOp)`), and reach one another only through `Body.expression`, `Body.condition` and
`Body.block`. So each room can be read alone, and none imports another in a circle.

An unannotated local has the join of all types that are assigned to it; at one point of the function it is known to be as narrow as
what it was last given. The join is only known when the body has been read, so the body is read again until no type
grows (`types` are those of the last round). Messages are those of the last round.
"""

from __future__ import annotations

import ast
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from ...types import Integer, Nothing, PackedUnion, PackedValue, Reference, Type, TypeProblem
from .. import tree
from ..diagnostics import Diagnostic, Rejected, diagnose
from . import kinds
from .flow import State, assigned_names
from .program import Program, Waiting
from .ranges import NoRange
from .signatures import Bindings

V = TypeVar("V", bound=Callable[..., Any])


@dataclass
class Condition:
    """A test, as a Boolean expression, and the states in which it came out true and false."""

    test: tree.Expression
    true: State
    false: State


@dataclass
class Loop:
    """A loop being read: the states at its `break`s and `continue`s."""

    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


@dataclass
class Caught:
    """A failure being handled: its name in the source, its class, and the locals that hold its fields."""

    name: str
    cls: type
    fields: dict[str, str]


EXPRESSIONS: dict[type[ast.AST], Callable[[Body, Any], tree.Expression]] = {}
CONDITIONS: dict[type[ast.AST], Callable[[Body, Any], Condition]] = {}
STATEMENTS: dict[type[ast.AST], Callable[[Body, Any], list[tree.Statement]]] = {}


def reads(*nodes: type[ast.AST]) -> Callable[[V], V]:
    """Register the visitor of these classes of expression or statement."""

    def register(visitor: V) -> V:
        for node in nodes:
            (EXPRESSIONS if issubclass(node, ast.expr) else STATEMENTS)[node] = visitor
        return visitor

    return register


def tests(*nodes: type[ast.AST]) -> Callable[[V], V]:
    """Register the visitor of these classes of expression where they stand as a condition."""

    def register(visitor: V) -> V:
        for node in nodes:
            CONDITIONS[node] = visitor
        return visitor

    return register


def _is_store(statement: tree.Statement) -> bool:
    """Whether the statement writes memory: itself, or by the setter of a property."""
    return isinstance(statement, tree.StoreField | tree.StoreElement | tree.Evaluate)


class Body:
    """A function's body under one choice of types."""

    def __init__(self, program: Program, waiting: Waiting) -> None:
        self.program = program
        self.function = waiting.function
        self.source = waiting.source
        self.node = waiting.node
        self.bindings: Bindings = waiting.bindings
        self.owner = waiting.owner
        self.globals: dict[str, Any] = self.function.python.__globals__
        self.parameters = dict(waiting.function.parameters)
        self.types: dict[str, Type] = dict(self.parameters)
        self.declared: dict[str, Type] = dict(self.parameters)
        self.names = assigned_names(self.node.body) | set(self.parameters)
        self.by_walrus = {
            inner.target.id for inner in ast.walk(self.node) if isinstance(inner, ast.NamedExpr)
        }
        self.grown: dict[str, ast.AST] = {}
        self.restart()

    def restart(self) -> None:
        """Begin another round: keep the locals' types, forget the rest."""
        self.state = State(bound=set(self.parameters))
        self.loops: list[Loop] = []
        self.caught: list[Caught] = []
        self.handler_depth = 0
        self.problems: list[Diagnostic] = []
        self.poisoned: set[str] = set()
        self.silenced = False
        self.temporaries = 0
        self.types = {n: t for n, t in self.types.items() if n.isidentifier()}
        self.grown = {}

    # Messages -----------------------------------------------------------------------------------------

    def at(self, node: ast.AST) -> tree.Location:
        """Where a node stands."""
        return self.source.at(node)

    def reject(self, node: ast.AST | tree.Location, message: str, remedy: str) -> NoReturn:
        """Give the statement up, with a message."""
        location = node if isinstance(node, tree.Location) else self.at(node)
        raise Rejected(diagnose(location, message, remedy))

    def note(self, rejected: Rejected) -> None:
        """Keep the message of a statement that was given up."""
        self.silenced = self.silenced or rejected.diagnostic is None
        if rejected.diagnostic:
            self.problems.append(rejected.diagnostic)

    def text(self, node: ast.AST) -> str:
        """The source of a node, short enough to be quoted in a message."""
        text = self.source.text(node)
        return text if len(text) <= 40 else f"{text[:37]}..."

    def operand(self, node: ast.AST) -> str:
        """The source of a node, to be quoted as the operand of something."""
        simple = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Constant)
        return self.text(node) if simple else f"({self.text(node)})"

    def _visit(self, visitor: Callable[[Body, Any], Any], node: ast.AST) -> Any:
        """Run a visitor; what it did not foresee in the source becomes a message too."""
        try:
            return visitor(self, node)
        except Rejected:
            raise
        except (TypeProblem, NoRange) as problem:
            self.reject(node, problem.reason, problem.remedy)
        except Exception as surprise:
            if os.environ.get("PITH_DEBUG"):
                traceback.print_exc()
            self.reject(
                node,
                f"this {type(node).__name__} is not part of metal Python ({type(surprise).__name__}: {surprise})",
                "write it in simpler steps; PITH_DEBUG=1 shows where the compiler gave up",
            )

    # Visitors -----------------------------------------------------------------------------------------

    def expression(self, node: ast.expr) -> tree.Expression:
        """Read an expression for its value."""
        visitor = EXPRESSIONS.get(type(node))
        if visitor is None:
            self.reject(
                node,
                f"this {type(node).__name__} is not part of metal Python",
                "see docs/language.md for what is",
            )
        result: tree.Expression = self._visit(visitor, node)
        inner = result
        while isinstance(inner, tree.Convert):
            inner = inner.value
        if isinstance(inner, tree.Call | tree.IntrinsicCall):
            self.change_memory()
        return result

    def change_memory(self) -> None:
        """After a store or call: no field is narrowed any more."""
        if self.state.fields:
            self.state = self.state.without_fields()

    def condition(self, node: ast.expr) -> Condition:
        """Read an expression for its truth. Leaves the state undefined: the caller chooses `true` or `false`."""
        result: Condition = self._visit(CONDITIONS.get(type(node), CONDITIONS[ast.expr]), node)
        return result

    def block(self, nodes: list[ast.stmt]) -> list[tree.Statement]:
        """Read statements in order, as far as they can be reached; one that is wrong is noted and left out."""
        result: list[tree.Statement] = []
        for node in nodes:
            if not self.state.reachable:
                break
            try:
                result += self._statement(node)
            except Rejected as rejected:
                self.note(rejected)
                self._poison(node)
                if isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue):
                    self.state = self.state.dead()
        return result

    def _statement(self, node: ast.stmt) -> list[tree.Statement]:
        visitor = STATEMENTS.get(type(node))
        if visitor is None:
            self.reject(
                node,
                f"this {type(node).__name__} is not part of metal Python",
                "see docs/language.md for what is",
            )
        result: list[tree.Statement] = self._visit(visitor, node)
        if isinstance(node, ast.Expr) or any(map(_is_store, result)):
            self.change_memory()
        return result

    def _poison(self, node: ast.stmt) -> None:
        """What a rejected statement would have assigned has no known type: be silent about its uses."""
        named = node.names if isinstance(node, ast.Global | ast.Nonlocal) else ()
        for name in [*assigned_names([node]), *named]:
            self.state.bound.add(name)
            if name not in self.types:
                self.poisoned.add(name)

    # Locals -------------------------------------------------------------------------------------------

    def read_local(self, name: str, node: ast.AST) -> tree.Expression:
        """The value of a local, as narrow as is known here."""
        if name in self.poisoned:
            raise Rejected(None)
        if name not in self.state.bound:
            self.reject(
                node, f"`{name}` may not be set here", f"give `{name}` a value on every way to this line"
            )
        kind = self.types[name]
        local = tree.Local(kind, self.at(node), name)
        narrowed = self.state.narrowed.get(name)
        if narrowed is None or kinds.same(narrowed, kind):
            return local
        return tree.Convert(narrowed, local.location, local, proven=True)

    def admit(self, name: str, kind: Type, node: ast.AST) -> Type:
        """Let `name` hold a value of type `kind`; returns the local's type, which may have grown by it."""
        if name in self.declared:
            return self.declared[name]
        known = self.types.get(name)
        if known is None:
            self.types[name] = kind
            return kind
        joined = kinds.join(known, kind)
        if joined is None:
            self.reject(
                node,
                f"`{name}` holds {kinds.describe(known)} elsewhere and {kinds.describe(kind)} here",
                "use two names, or annotate the first with a type that holds both",
            )
        if not kinds.same(joined, known):
            self.types[name] = joined
            self.grown[name] = node
        return self.types[name]

    def bind(self, name: str, value_type: Type) -> None:
        """After an assignment: the local is bound, and known to be as narrow as what it was given."""
        self.state.bound.add(name)
        self.state.forget(name)
        kind = self.types[name]
        match kind, value_type:
            case Integer(), Integer() if name not in self.declared:
                self.state.narrowed[name] = value_type
            case Reference(cls, True), Reference(_, False):
                self.state.narrowed[name] = Reference(cls)
            case PackedUnion(), PackedUnion() | PackedValue() if not kinds.same(kind, value_type):
                self.state.narrowed[name] = value_type

    def temporary(self, kind: Type, node: ast.AST) -> tree.Local:
        """A fresh local that no name of the source can reach."""
        self.temporaries += 1
        name = f"{self.at(node).line}.{self.temporaries}"
        self.types[name] = kind
        self.state.bound.add(name)
        return tree.Local(kind, self.at(node), name)

    def hold(self, value: tree.Expression, node: ast.AST) -> tuple[list[tree.Statement], tree.Expression]:
        """Evaluate `value` now, once: the statements that do so, and an expression to use any number of times."""
        if isinstance(value, tree.Constant | tree.TextConstant | tree.StaticReference):
            return [], value
        inner = value.value if isinstance(value, tree.Convert) and value.proven else value
        if isinstance(inner, tree.Local) and inner.name not in self.by_walrus:
            return [], value
        if isinstance(value.type, Nothing):
            return [tree.Evaluate(value.location, value)], tree.Constant(value.type, value.location, 0)
        local = self.temporary(value.type, node)
        return [tree.Assign(value.location, local.name, value)], local

    def hold_inside(self, value: tree.Expression, node: ast.AST) -> tuple[tree.Expression, tree.Expression]:
        """Like `hold`, within one expression: what to evaluate first, and what to use afterwards."""
        held, again = self.hold(value, node)
        if not held:
            return value, value
        assert isinstance(again, tree.Local)
        return tree.AssignedLocal(value.type, value.location, again.name, value), again
