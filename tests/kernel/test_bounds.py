"""Every loop of the kernel has a bound: a preemption point in it, or a number of rounds that is known and said here.

A loop that is neither fails, with its file and line; so does an entry of the table that no loop has any more. So does
recursion: no function of the kernel may reach itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import pith.kernel

KERNEL = Path(pith.kernel.__file__).parent
POINTS = {"preemption_point", "is_interrupted"}
APART = {"boot", "riscv64/device_tree", "memory_map", "debug", "complaint", "snapshot", "benchmark", "panic"}

# The rounds of each function's loops, at most, and why. A loop over a `range` of constants, or of a function's narrow
# parameters, stands here as well: it is for a reader to judge that the number is small.
BOUNDED = {
    "budget._charge_sporadic": "MOST_REFILLS: a use within the budget goes through the ring once; above, _skip_rounds",
    "budget._pay_back": "MOST_REFILLS: each round takes a refill away",
    "budget.unblock": "MOST_REFILLS: each round takes a refill away",
    "cspace.resolve": "64: each CNode on the way takes a bit of the address",
    "derivation._without_empty_end": "EMPTY_AT_ONCE slots",
    "fault_message.deliver": "the words of a fault, 13 at most",
    "fault_message._set_registers": "the words of a fault's answer, 13 at most",
    "message.copy_rest": "120 words, eight in a round",
    "message._copy_words": "8 words, written out",
    "message._transfer_capabilities": "3 capabilities",
    "queue._insert_among_others": "256 priorities",
    "queue._remove_from_others": "256 priorities",
    "release._join": "the logarithm of all threads, twice",
    "release.remove": "the logarithm of all threads: every rank on the way is above the one before",
    "release.following": "only for debug calls",
    "resume._choose": "sleeps in every round; what wakes it is handled then",
    "riscv64/asid._free_pool": "ASID_POOLS",
    "riscv64/asid._free_index": "512 address spaces of a pool",
    "riscv64/page_table._take_out": "3 levels",
    "riscv64/plic.initialise": "when the kernel starts",
    "riscv64/vspace.walk": "3 levels",
    "riscv64/vspace.make_kernel_root": "when the kernel starts",
    "riscv64/vspace.share_kernel_half": "256 entries",
    "scheduler._release": "a look for interrupts of devices in every round; the timer is what it serves",
    "syscall._send": "3 capabilities",
    "thread_invocation._read_registers": "32 registers",
    "thread_invocation._write_registers": "32 registers",
    "thread_invocation._copy": "32 registers",
    "untyped.invoke": "FAN_OUT_LIMIT slots, looked at",
}


class Loop(NamedTuple):
    function: str
    file: str
    line: int


def loops_without_point(module: str, tree: ast.Module) -> Iterator[Loop]:
    """The loops in which no round passes a preemption point by itself."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for loop in ast.walk(function):
                if isinstance(loop, (ast.For, ast.While)) and not POINTS & calls(loop):
                    yield Loop(f"{module}.{function.name}", f"{module}.py", loop.lineno)


def calls(tree: ast.AST) -> set[str]:
    """The names of the functions that are called somewhere in `tree`, without their modules."""
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        f.attr if isinstance(f, ast.Attribute) else f.id
        for f in called
        if isinstance(f, (ast.Attribute, ast.Name))
    }


def modules() -> dict[str, ast.Module]:
    files = {file.relative_to(KERNEL).with_suffix("").as_posix(): file for file in KERNEL.rglob("*.py")}
    return {name: ast.parse(file.read_text()) for name, file in sorted(files.items()) if name not in APART}


def test_every_loop_has_a_point_or_a_bound() -> None:
    found = [loop for name, tree in modules().items() for loop in loops_without_point(name, tree)]
    unbounded = [f"{file}:{line}: {function}" for function, file, line in found if function not in BOUNDED]
    assert not unbounded, "loops without a preemption point, and not in BOUNDED"
    assert set(BOUNDED) == {loop.function for loop in found}, "BOUNDED names functions without such a loop"


@pytest.mark.parametrize(
    "body, lines",
    [
        ("while queue.head is not None:\n  dismiss()", [2]),
        ("while queue.head is not None:\n  dismiss()\n  scheduler.preemption_point()", []),
        ("for a in b:\n  for c in d:\n   point()\n  preemption_point()", [3]),
        ("while a:\n  if scheduler.is_interrupted():\n   break", []),
    ],
)
def test_a_loop_without_a_point_is_found(body: str, lines: list[int]) -> None:
    tree = ast.parse(f"def f() -> None:\n {body.replace(chr(10), chr(10) + ' ')}")
    assert [loop.line for loop in loops_without_point("m", tree)] == lines


def test_no_function_reaches_itself() -> None:
    """By name alone, within a module and through `module.function`; what `from module import function` brings, too."""
    graph: dict[str, set[str]] = {}
    for module, tree in modules().items():
        own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        short = module.rpartition("/")[2]
        imported = {
            alias.asname or alias.name: (node.module or "").rpartition(".")[2]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            reached = graph.setdefault(f"{short}.{function.name}", set())
            for call in (node.func for node in ast.walk(function) if isinstance(node, ast.Call)):
                if isinstance(call, ast.Name):
                    reached.add(f"{short if call.id in own else imported.get(call.id, '?')}.{call.id}")
                elif isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name):
                    reached.add(f"{call.value.id}.{call.attr}")
    for start in graph:
        seen, pending = set[str](), list(graph[start])
        while pending:
            name = pending.pop()
            assert name != start, f"{start} reaches itself"
            if name not in seen:
                seen.add(name)
                pending += graph.get(name, ())
