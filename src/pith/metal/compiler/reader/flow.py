"""What is known at one point of a function: which locals are bound, and to what locals and fields are narrowed.

The rules are mypy's, but that a field stays narrowed only until the next store or call; see fields.py. A `State` belongs to one point; statements move it on, branches copy it, joins keep what both
sides know. After a return, raise, break or continue nothing is reachable, and what follows is not read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...types import Type
from . import kinds


@dataclass(frozen=True)
class NarrowedField:
    """What a test said of a field, and the temporary that holds what was tested."""

    type: Type
    local: str


@dataclass
class State:
    """One point of a function."""

    bound: set[str] = field(default_factory=set)
    narrowed: dict[str, Type] = field(default_factory=dict)
    reachable: bool = True
    fields: dict[str, NarrowedField] = field(
        default_factory=dict
    )  # by the field's name, as the source writes it

    def copy(self) -> State:
        return State(set(self.bound), dict(self.narrowed), self.reachable, dict(self.fields))

    def narrow(self, name: str, kind: Type) -> State:
        """This state, with one local known to be of a smaller type."""
        state = self.copy()
        state.narrowed[name] = kind
        return state

    def narrow_field(self, path: str, kind: Type, local: str) -> State:
        """This state, with one field known to be what `local` holds, and that to be of a smaller type."""
        state = self.copy()
        state.fields[path] = NarrowedField(kind, local)
        return state

    def dead(self) -> State:
        """This point is never reached."""
        return State(set(self.bound), {}, reachable=False)

    def without_fields(self) -> State:
        """This state after a store or call: memory may have changed."""
        return State(set(self.bound), dict(self.narrowed), self.reachable)

    def forget(self, name: str) -> None:
        """A local is assigned: nothing is known of it, nor of the fields behind it."""
        self.narrowed.pop(name, None)
        self.fields = {path: known for path, known in self.fields.items() if path.split(".")[0] != name}


def meet(a: State, b: State) -> State:
    """Where two ways come together."""
    if not a.reachable:
        return b.copy()
    if not b.reachable:
        return a.copy()
    narrowed = {}
    for name in a.narrowed.keys() & b.narrowed.keys():
        joined = kinds.join(a.narrowed[name], b.narrowed[name])
        if joined is not None:
            narrowed[name] = joined
    return State(a.bound & b.bound, narrowed, fields=_meet_fields(a, b))


def _meet_fields(a: State, b: State) -> dict[str, NarrowedField]:
    """The fields that both ways narrowed by one test."""
    fields = {}
    for path in a.fields.keys() & b.fields.keys():
        one, other = a.fields[path], b.fields[path]
        joined = kinds.join(one.type, other.type)
        if one.local == other.local and joined is not None:
            fields[path] = NarrowedField(joined, one.local)
    return fields


def meet_all(states: Iterable[State], otherwise: State) -> State:
    """Where any number of ways come together; `otherwise` (made dead) where there are none."""
    result = otherwise.dead()
    for state in states:
        result = meet(result, state)
    return result


def assigned_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Every local that the nodes may assign, in whatever form."""
    names: set[str] = set()
    for node in nodes:
        for inner in ast.walk(node):
            match inner:
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                    names.add(name)
                case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    names.add(name)
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    names.add(name)
    return names


def forget_assigned(state: State, nodes: Iterable[ast.AST]) -> State:
    """The state on top of a loop: what its body assigns is as wide as declared, and so are all fields."""
    assigned = assigned_names(nodes)
    narrowed = {name: kind for name, kind in state.narrowed.items() if name not in assigned}
    return State(set(state.bound), narrowed, state.reachable)
