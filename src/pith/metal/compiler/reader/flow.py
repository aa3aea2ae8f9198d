"""What is known at one point of a function: which locals are bound, and to what their types are narrowed.

The rules are mypy's. A `State` belongs to one point; statements move it on, branches copy it, joins keep what both
sides know. After a return, raise, break or continue nothing is reachable, and what follows is not read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...types import Type
from . import kinds


@dataclass
class State:
    """One point of a function."""

    bound: set[str] = field(default_factory=set)
    narrowed: dict[str, Type] = field(default_factory=dict)
    reachable: bool = True

    def copy(self) -> State:
        return State(set(self.bound), dict(self.narrowed), self.reachable)

    def narrow(self, name: str, kind: Type) -> State:
        """This state, with one local known to be of a smaller type."""
        state = self.copy()
        state.narrowed[name] = kind
        return state

    def dead(self) -> State:
        """This point is never reached."""
        return State(set(self.bound), {}, reachable=False)


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
    return State(a.bound & b.bound, narrowed)


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
    """The state on top of a loop: what its body assigns is as wide as declared."""
    assigned = assigned_names(nodes)
    narrowed = {name: kind for name, kind in state.narrowed.items() if name not in assigned}
    return State(set(state.bound), narrowed, state.reachable)
