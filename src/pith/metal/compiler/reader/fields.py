"""Fields that a test has narrowed: `if thread.context is not None:` holds for `thread.context` until memory may have changed.

A test reads the field once, into a temporary; as long as the narrowing holds, the field's name stands for that. It ends
with the next store or call, whatever they are of (any reference may alias any other), with an assignment to the local
that the name begins with, and at the beginning of a loop or of a `try`. mypy, which trusts calls, allows more.

A name is a local or a static, and fields behind it: `thread.context`, `kernel.current.context`. What a property gives,
or an element of an array, has to be kept in a local.
"""

from __future__ import annotations

import ast

from .. import tree
from . import names
from .body import Body
from .signatures import MISSING


def narrowed(body: Body, node: ast.Attribute) -> tree.Expression | None:
    """What `node` stands for where a test has narrowed it; else None."""
    found = body.state.fields.get(ast.unparse(node)) if body.state.fields else None
    if found is None:
        return None
    local = tree.Local(body.types[found.local], body.at(node), found.local)
    return tree.Convert(found.type, local.location, local, proven=True)


def is_narrowed(body: Body, node: ast.expr) -> bool:
    """Whether a test has narrowed this field here."""
    return isinstance(node, ast.Attribute) and narrowed(body, node) is not None


def path(body: Body, node: ast.expr, value: tree.Expression) -> str | None:
    """The name of a field that a test can narrow; `value` is what reading it gave."""
    if not isinstance(node, ast.Attribute):
        return None
    if ast.unparse(node) in body.state.fields:
        return ast.unparse(node)
    if not _is_only_loads(value):
        return None
    first: ast.expr = node
    while isinstance(first, ast.Attribute):
        first = first.value
    if not isinstance(first, ast.Name):
        return None
    is_known = first.id in body.names or names.known(body, first) is not MISSING
    return ast.unparse(node) if is_known else None


def _is_only_loads(value: tree.Expression) -> bool:
    """Whether the value was read from memory, without a call on the way."""
    if not isinstance(value, tree.LoadField):
        return False
    place: tree.Expression = value
    while isinstance(place, tree.LoadField | tree.LoadBits | tree.Convert):
        place = place.object if isinstance(place, tree.LoadField) else place.value
    return isinstance(place, tree.Local | tree.StaticReference)


def keep(body: Body, node: ast.expr, value: tree.Expression) -> tuple[str | None, tree.Expression, str]:
    """Keep a field's value for the narrowing to come: the field's name, its value, and the temporary that has it.

    The name is None, and the value as it was, if `node` is no field that can be narrowed.
    """
    name = path(body, node, value)
    if name is None:
        return None, value, ""
    local = body.temporary(value.type, node)
    return name, tree.AssignedLocal(value.type, value.location, local.name, value), local.name
