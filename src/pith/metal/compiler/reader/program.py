"""The program being read: the functions it consists of so far, those still to read, its statics, what is wrong.

Reading a function's body asks `require` for each function that it calls; a function asked for the first time under some
choice of types is noted as waiting. So the program grows from its roots until nothing waits.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from ... import memory
from ...structs import Struct
from ...types import Never, Reference, Type, TypeProblem
from .. import tree
from ..diagnostics import Diagnostic, Rejected, diagnose
from . import signatures
from .signatures import Bindings, Signature
from .sources import SourceFile, definition, source_file


@dataclass
class Waiting:
    """A function under one choice of types whose body is still to be read."""

    function: tree.Function
    signature: Signature
    owner: Type | None
    bindings: Bindings
    source: SourceFile
    node: ast.FunctionDef


class Program:
    """What has been read so far."""

    def __init__(self) -> None:
        self.functions: dict[Any, tree.Function | None] = {}  # None: its head was rejected
        self.symbols: set[str] = set()
        self.waiting: list[Waiting] = []
        self.problems: list[Diagnostic] = []
        self.statics: dict[int, tuple[str, Any]] = {}
        self.checked: dict[type, bool] = {}

    def reject(self, location: tree.Location, message: str, remedy: str) -> None:
        """Note that something is wrong outside any function's body."""
        self.problems.append(diagnose(location, message, remedy))

    def require(self, python: FunctionType, owner: Type | None, bindings: Bindings) -> tree.Function:
        """The function under this choice of types. Raises Rejected where its head has no meaning."""
        key = (python, owner, tuple(bindings.items()))
        if key not in self.functions:
            self.functions[key] = None
            try:
                self.functions[key] = self._declare(python, owner, bindings)
            except Rejected as rejected:
                if rejected.diagnostic:
                    self.problems.append(rejected.diagnostic)
        function = self.functions[key]
        if function is None:
            raise Rejected(None)
        return function

    def _declare(self, python: FunctionType, owner: Type | None, bindings: Bindings) -> tree.Function:
        found = definition(python)
        place = tree.Location(python.__code__.co_filename, python.__code__.co_firstlineno, 1, 2)
        if found is None:
            raise Rejected(
                diagnose(
                    place,
                    f"the source of `{python.__qualname__}` is not to be found",
                    "write it as a plain `def` in a file, with metal decorators only",
                )
            )
        source, node = found
        plain = _plain(source, node, python)
        head, parameters, result = _resolve_head(python, owner, bindings, source, node)
        function = tree.Function(
            node.name, _symbol(python, owner, bindings), _head_location(source, node), parameters, result
        )
        _mark(function, python)
        if not isinstance(function.symbol, str) or not function.symbol:
            self.reject(function.location, "the symbol of an export is a text", 'write @export("name")')
            raise Rejected(None)
        if function.outermost and (parameters or not isinstance(result, Never)):
            self.reject(
                function.location,
                "an outermost function takes nothing and never returns",
                f"declare `def {function.name}() -> NoReturn`",
            )
            raise Rejected(None)
        self._admit(function, Waiting(function, head, owner, bindings, source, plain))
        return function

    def _admit(self, function: tree.Function, waiting: Waiting) -> None:
        if function.exported and function.symbol in self.symbols:
            message = f"another function is exported as `{function.symbol}` already"
            self.reject(function.location, message, "give one of the two another symbol")
            raise Rejected(None)
        while function.symbol in self.symbols:  # an old definition of one name, kept by a reference
            function.symbol += "'"
        self.symbols.add(function.symbol)
        function.locals.update(function.parameters)
        if function.assembly is None:
            self.waiting.append(waiting)

    def static(self, instance: Any) -> str:
        """The symbol of a static instance, by the module-level name that it was given."""
        if id(instance) not in self.statics:
            self.statics[id(instance)] = (_static_name(instance), instance)
        return self.statics[id(instance)][0]

    def statics_in_order(self) -> list[tuple[str, Any]]:
        """The statics that the program mentions, in the order in which memory holds them."""
        return [self.statics[id(i)] for i in memory.statics if id(i) in self.statics]


def _plain(
    source: SourceFile, node: ast.FunctionDef | ast.AsyncFunctionDef, python: FunctionType
) -> ast.FunctionDef:
    """The function, if it is one that runs when it is called and ends when it returns."""
    if isinstance(node, ast.FunctionDef):
        if not inspect.isgeneratorfunction(python):
            return node
        place = next(inner for inner in ast.walk(node) if isinstance(inner, ast.Yield | ast.YieldFrom))
        message = "a generator keeps a frame on CPython's heap"
        raise Rejected(diagnose(source.at(place), message, "keep the state in a struct"))
    raise Rejected(
        diagnose(
            _head_location(source, node),
            f"`{node.name}` is a coroutine, and there is no event loop on the metal",
            "write a plain `def`",
        )
    )


def _head_location(source: SourceFile, node: ast.FunctionDef | ast.AsyncFunctionDef) -> tree.Location:
    """The name in the `def` line."""
    start = source.at(node)
    column = start.column + (4 if isinstance(node, ast.FunctionDef) else 10)
    return tree.Location(start.file, start.line, column, column + len(node.name))


def _resolve_head(
    python: FunctionType,
    owner: Type | None,
    bindings: Bindings,
    source: SourceFile,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
) -> tuple[Signature, list[tuple[str, Type]], Type]:
    """The signature, the parameters with their types, and the result's type; a problem is told where it stands."""
    place = _head_location(source, node)
    written = {a.arg: a for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    try:
        head = signatures.signature(python)
        parameters = []
        for parameter in head.parameters:
            place = source.at(written[parameter.name])
            parameters.append((parameter.name, signatures.resolve_in(parameter.annotation, bindings, owner)))
        place = source.at(node.returns or node)
        return head, parameters, signatures.resolve_in(head.result, bindings, owner)
    except TypeProblem as problem:
        for name, argument in written.items():
            named = [n.id for n in ast.walk(argument) if isinstance(n, ast.Name)]
            if f"`{name}`" in problem.reason or any(f"name `{n}`" in problem.reason for n in named):
                place = source.at(argument)
        raise Rejected(diagnose(place, problem.reason, problem.remedy)) from None
    except Exception as surprise:
        reason = f"this annotation is not part of metal Python ({type(surprise).__name__}: {surprise})"
        raise Rejected(diagnose(place, reason, "annotate with metal types")) from None


def _mark(function: tree.Function, python: FunctionType) -> None:
    """What the decorators said."""
    marks: dict[str, Any] = python.__dict__
    function.python = python
    if "__metal_export__" in marks:
        function.exported, function.symbol = True, marks["__metal_export__"]
    function.inline = marks.get("__metal_inline__")
    function.outermost = "__metal_outermost__" in marks
    function.cold = "__metal_cold__" in marks
    text: str | Callable[[], str] | None = marks.get("__metal_assembly__")
    function.assembly = text() if callable(text) else text


def _symbol(python: FunctionType, owner: Type | None, bindings: Bindings) -> str:
    chosen = signatures.shown_bindings(bindings)
    cls = getattr(owner, "cls", None)
    if not chosen and cls is not None and not python.__qualname__.startswith(cls.__qualname__ + "."):
        chosen = cls.__name__
    return f"{python.__module__}.{python.__qualname__}" + (f"[{chosen}]" if chosen else "")


def _static_name(instance: Any) -> str:
    """`module.NAME`, of the module that assigns the name (others may import it)."""
    known = [
        (module, name)
        for module in list(sys.modules.values())
        if isinstance(module, ModuleType)
        for name, value in list(vars(module).items())
        if value is instance
    ]
    for module, name in known:
        if _assigns(module, name):
            return f"{module.__name__}.{name}"
    if known:
        return f"{known[0][0].__name__}.{known[0][1]}"
    return f"static.{type(instance).__name__}.{memory.statics.index(instance)}"


def _assigns(module: ModuleType, name: str) -> bool:
    try:
        body = source_file(module.__file__ or "").module.body
    except (OSError, SyntaxError):
        return False
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=found)]) | ast.AnnAssign(target=ast.Name(id=found)):
                if found == name:
                    return True
    return False


def owner_of(python: FunctionType) -> Type | None:
    """The type of `self` for a function that is a struct's method, told by its qualified name; else None."""
    path = python.__qualname__.split(".")[:-1]
    found: Any = python.__globals__.get(path[0]) if path and "<locals>" not in path else None
    for name in path[1:]:
        found = getattr(found, name, None)
    if isinstance(found, type) and issubclass(found, Struct):
        return Reference(found)
    return None
