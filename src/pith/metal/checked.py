"""Checked import: under CPython, too, a value must fit the sized integer that it is stored under.

    from pith.metal import checked
    checked.install(("pith.kernel",))        # before the modules are imported
    import pith.kernel.scheduler             # OverflowError where the metal would panic

The compiler checks stores to parameters, annotated locals, results and the fields of value classes; Python's own integers
never overflow. So that both lives stop at the same line, modules whose names start with an installed prefix are compiled
from a syntax tree with the same checks in it. Apart from that OverflowError they behave as without.

A check is one inline test (`if x >> 64: raise ...`) on the line of the store that it belongs to: debuggers step and tracebacks
read as if it were not there. Ranges are found by the annotation's name: a sized integer of `pith.metal`, or an alias of one.
Struct fields, array elements and packed values check themselves, with or without this.

Cost, measured on CPython 3.11: a loop of nothing but stores to sized locals and calls with sized arguments takes about twice
as long; code that reads and writes structs, where accessors take most of the time, at most a quarter longer. Compiling
a module takes five times as long, which is a few milliseconds; nothing is cached, because aliases come from other modules.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from . import integers
from .integers import Range

_FIT = "__metal_fit__"  # in a checked module's globals: the check of a value in the middle of an expression
_RESULT = "__result__"  # in a checked function: what it is about to return

Ranges = dict[str, tuple[str, Range]]  # an annotation's name: the sized integer that it means


def install(prefixes: Sequence[str]) -> None:
    """Check modules named by `prefixes`, and those inside them, that are imported from now on."""
    for finder in sys.meta_path:
        if isinstance(finder, _Finder):
            finder.prefixes |= set(prefixes)
            return
    sys.meta_path.insert(0, _Finder(set(prefixes)))


def uninstall() -> None:
    """Import everything unchecked from now on."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]


def load(path: Path, name: str | None = None) -> ModuleType:
    """The module in a file, checked; under `name` (default: the file's) it replaces any other."""
    loader = _Loader(name or path.stem, str(path))
    spec = importlib.util.spec_from_file_location(loader.name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


class _Finder(MetaPathFinder):
    def __init__(self, prefixes: set[str]) -> None:
        self.prefixes = prefixes

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not any(fullname == p or fullname.startswith(p + ".") for p in self.prefixes):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def path_stats(self, path: str) -> Any:
        raise OSError("checked bytecode is not cached")

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        tree = ast.parse(data, path)
        known = _sized_names(tree, self.name)
        if known:
            _Checks(known).visit(tree)
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__[_FIT] = fit
        super().exec_module(module)


def fit(value: Any, bounds: Any, stored: str) -> Any:
    """`value`, if it lies in `bounds`: (low, high), or for a tuple's items a tuple of those, with None for any."""
    parts = [(value, bounds)] if isinstance(bounds[0], int) else list(zip(value, bounds, strict=False))
    for part, range_of_part in parts:
        if range_of_part is not None and not range_of_part[0] <= part <= range_of_part[1]:
            raise OverflowError(f"{stored} is {range_of_part[0]}..{range_of_part[1]}, and the value {part}")
    return value


# Names of sized integers ------------------------------------------------------------------------------------------------

_SIZED: dict[str, Range] = {
    name: alias.__metadata__[0] for name, alias in vars(integers).items() if hasattr(alias, "__metadata__")
}


def _sized_names(tree: ast.Module, module: str) -> Ranges:
    """Every name of the module's that means a sized integer."""
    known: Ranges = {}
    for node in tree.body:
        match node:
            case ast.ImportFrom(names=names):
                known.update(_imported(node, names, module))
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=meant))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Name(id=meant))
            ):
                if meant in known:
                    known[name] = known[meant]
    return known


def _imported(
    node: ast.ImportFrom, names: list[ast.alias], module: str
) -> Iterator[tuple[str, tuple[str, Range]]]:
    source = "." * node.level + (node.module or "")
    if source in ("pith.metal", "pith.metal.integers"):
        for alias in names:
            for name in _SIZED if alias.name == "*" else [alias.name]:
                if name in _SIZED:
                    yield alias.asname or name, (name, _SIZED[name])
        return
    if not (node.level or source.startswith("pith.")):
        return
    try:
        found = importlib.import_module(importlib.util.resolve_name(source, _package(module)))
    except Exception:
        return  # the module itself will say so
    for alias in names:
        marks = getattr(getattr(found, alias.name, None), "__metadata__", ())
        if marks and isinstance(marks[0], Range):
            yield alias.asname or alias.name, (alias.name, marks[0])


def _package(module: str) -> str:
    spec = importlib.util.find_spec(module) if module in sys.modules else None
    if spec is not None and spec.submodule_search_locations is not None:
        return module
    return module.rpartition(".")[0]


# Where checks go ----------------------------------------------------------------------------------------------------------


class _Checks(ast.NodeTransformer):
    """Puts checks into every function, and into value and failure classes."""

    def __init__(self, known: Ranges) -> None:
        self.known = known

    def sized(self, annotation: ast.expr | None) -> tuple[str, Range] | None:
        """The sized integer that an annotation names."""
        match annotation:
            case ast.Name(id=name) | ast.Constant(value=str(name)):
                return self.known.get(name)
            case ast.Subscript(value=ast.Name(id="Final"), slice=ast.expr() as inner):
                return self.sized(inner)
        return None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        declared = dict(self._parameters(node.args))
        declared |= self._locals(node)
        body = _Body(self, declared, self._bounds(node.returns), node.name)
        statements = body.block(node.body)
        at = 1 if ast.get_docstring(node, clean=False) is not None else 0
        if at < len(statements):
            place = node.body[at]
            checks = [_check(name, *declared[name], place) for name, _ in self._parameters(node.args)]
            statements[at:at] = checks
        node.body = statements
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        values = any(isinstance(b, ast.Name) and b.id in ("Value", "Failure") for b in node.bases)
        own = {s.name for s in node.body if isinstance(s, ast.FunctionDef)}
        if values and "__post_init__" not in own:
            node.body += self._post_init(node)
        return node

    def _parameters(self, arguments: ast.arguments) -> Iterator[tuple[str, tuple[str, Range]]]:
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            sized = self.sized(argument.annotation)
            if sized is not None:
                yield argument.arg, sized

    def _locals(self, function: ast.FunctionDef) -> Iterator[tuple[str, tuple[str, Range]]]:
        for node in _own_nodes(function.body):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                sized = self.sized(node.annotation)
                if sized is not None:
                    yield node.target.id, sized

    def _bounds(self, annotation: ast.expr | None) -> Any:
        """(low, high) of a sized result; of a tuple, those of its items; None where nothing is to be checked."""
        sized = self.sized(annotation)
        if sized is not None:
            return (sized[1].low, sized[1].high)
        match annotation:
            case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=items)):
                parts = tuple(self._bounds(item) for item in items)
                flat = tuple(p if p is not None and isinstance(p[0], int) else None for p in parts)
                return flat if any(flat) else None
        return None

    def _post_init(self, node: ast.ClassDef) -> list[ast.stmt]:
        lines = []
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                sized = self.sized(field.annotation)
                if sized is not None:
                    lines.append(_test(f"self.{field.target.id}", *sized))
        if not lines:
            return []
        text = "def __post_init__(self):\n" + "\n".join(f"    {line}" for line in lines)
        return _placed(text, node)


def _own_nodes(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Every node of a function, without those of functions and classes inside it."""
    for node in nodes:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _own_nodes(list(ast.iter_child_nodes(node)))


class _Body(ast.NodeTransformer):
    """Puts checks behind the stores of one function."""

    def __init__(self, outer: _Checks, declared: Ranges, result: Any, name: str) -> None:
        self.outer = outer
        self.declared = declared
        self.result = result
        self.name = name

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """The statements, each with the checks of what it stores behind it."""
        done: list[ast.stmt] = []
        for statement in statements:
            stored = [n for n in _stored(statement) if n in self.declared]
            visited = self.visit(statement)
            done += visited if isinstance(visited, list) else [visited]
            done += [_check(name, *self.declared[name], statement) for name in stored]
        return done

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, name, self.block(value))
            elif isinstance(value, list):
                setattr(node, name, [self.visit(v) if isinstance(v, ast.AST) else v for v in value])
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self.outer.visit_FunctionDef(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self.outer.visit_ClassDef(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        names = [n for n in _names(node.target) if n in self.declared]
        node.body[:0] = [_check(name, *self.declared[name], node) for name in names]
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        self.generic_visit(node)
        names = [n for n in _names(node.pattern) if n in self.declared]
        node.body[:0] = [_check(name, *self.declared[name], node.pattern) for name in names]
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        self.generic_visit(node)
        if node.target.id in self.declared:
            bounds = self.declared[node.target.id][1]
            node.value = _call_fit(node.value, (bounds.low, bounds.high), f"`{node.target.id}`")
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if node.value is None or self.result is None or isinstance(node.value, ast.Constant):
            return node
        stored = f"the result of `{self.name}`"
        if not isinstance(self.result[0], int):
            node.value = _call_fit(node.value, self.result, stored)
            return node
        wrong = _wrong(_RESULT, Range(*self.result)).replace(_RESULT, f"({_RESULT} := 0)", 1)
        text = f"{_FIT}({_RESULT}, {self.result!r}, {stored!r}) if {wrong} else {_RESULT}"
        made = _placed(text, node)[0]
        assert isinstance(made, ast.Expr)
        for inner in ast.walk(made):
            if isinstance(inner, ast.NamedExpr):
                inner.value = node.value
        node.value = made.value
        return node


def _stored(statement: ast.stmt) -> list[str]:
    """The locals that a simple statement assigns."""
    match statement:
        case ast.Assign(targets=targets):
            return [name for target in targets for name in _names(target)]
        case ast.AugAssign(target=target):
            return _names(target)
        case ast.AnnAssign(target=target, value=ast.expr()):
            return _names(target)
    return []


def _names(target: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(target):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.MatchAs(name=str(name)):
                names.append(name)
    return names


# What a check looks like ----------------------------------------------------------------------------------------------------


def _wrong(value: str, bounds: Range) -> str:
    """A test that is true outside the bounds; one shift where they are those of n unsigned bits."""
    bits = bounds.high.bit_length()
    if bounds.low == 0 and bounds.high == (1 << bits) - 1:
        return f"{value} >> {bits}"
    return f"not {bounds.low} <= {value} <= {bounds.high}"


def _test(value: str, name: str, bounds: Range) -> str:
    message = f"f'`{value}` is {name}, {bounds.low}..{bounds.high}, and the value {{{value}}}'"
    return f"if {_wrong(value, bounds)}: raise OverflowError({message})"


def _check(variable: str, name: str, bounds: Range, place: ast.AST) -> ast.stmt:
    return _placed(_test(variable, name, bounds), place)[0]


def _placed(text: str, place: ast.AST) -> list[ast.stmt]:
    """The statements in `text`, as if they stood on the line of `place`."""
    made = ast.parse(text).body
    for statement in made:
        for node in ast.walk(statement):
            if "lineno" in node._attributes:
                ast.copy_location(node, place)
                node.end_lineno = node.lineno  # type: ignore[attr-defined]
                node.end_col_offset = node.col_offset + 1  # type: ignore[attr-defined]
    return made


def _call_fit(value: ast.expr, bounds: Any, stored: str) -> ast.expr:
    made = _placed(f"{_FIT}(0, {bounds!r}, {stored!r})", value)[0]
    assert isinstance(made, ast.Expr) and isinstance(made.value, ast.Call)
    made.value.args[0] = value
    return made.value
