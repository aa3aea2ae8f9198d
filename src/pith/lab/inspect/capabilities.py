"""Capability spaces: each thread's CSpace as a tree of CNodes, slot by slot, each capability in words.

Runs of like capabilities in neighbouring slots (a program's frames, the initial untypeds) are shown as one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from pith.kernel.objects import Cap, CNodeCap, FrameCap, PageTableCap, Thread, ThreadSlot, UntypedCap
from pith.verify.census import Census
from pith.verify.naming import THREAD_SLOTS, name_of, place, words_of

from .report import Report, Tree, readable

LONG_RUN = 4  # more like slots than this are one line


def report(census: Census) -> Report:
    """A tree per thread: its own slots, and under its CSpace root all that is reachable from there."""
    shown: set[int] = set()
    containers = by_container(census)
    parts = [
        Tree(readable(name_of, thread), list(_own_slots(thread, containers, shown)))
        for thread in census.all(Thread)
    ]
    return Report("Capability spaces", [tree for tree in parts if tree.children])


def by_container(census: Census) -> dict[int, list[tuple[int, Cap]]]:
    """What stands in each container (by its first slot's address): index and capability, in order."""
    containers: dict[int, list[tuple[int, Cap]]] = {}
    for address, cap in census.caps.items():
        home = census.homes.get(address)
        if home is not None:
            containers.setdefault(home.address, []).append((home.index, cap))
    for content in containers.values():
        content.sort(key=lambda item: item[0])
    return containers


def _own_slots(
    thread: Thread, containers: dict[int, list[tuple[int, Cap]]], shown: set[int]
) -> Iterator[Tree]:
    for index, cap in containers.get(thread.slots[0].address, []):
        yield _line(THREAD_SLOTS[ThreadSlot(index)], cap, containers, shown)


def _line(label: str, cap: Cap, containers: dict[int, list[tuple[int, Cap]]], shown: set[int]) -> Tree:
    tree = Tree(f"{label}: {readable(words_of, cap)}")
    if isinstance(cap, CNodeCap) and cap.cnode.address in containers:
        if cap.cnode.address in shown:
            tree.label += " (shown above)"
        else:
            shown.add(cap.cnode.address)
            tree.children = _content(containers[cap.cnode.address], containers, shown)
    return tree


def _content(
    content: list[tuple[int, Cap]], containers: dict[int, list[tuple[int, Cap]]], shown: set[int]
) -> list[Tree]:
    """A CNode's slots, runs of like ones merged."""
    lines: list[Tree] = []
    keyed = [(index - position, index, cap) for position, (index, cap) in enumerate(content)]
    for key, group in groupby(keyed, lambda item: (item[0], likeness(item[2]))):
        run = [(index, cap) for _, index, cap in group]
        if key[1] is not None and len(run) > LONG_RUN:
            lines.append(Tree(f"{run[0][0]} to {run[-1][0]}: {summary([cap for _, cap in run])}"))
        else:
            lines += [_line(str(index), cap, containers, shown) for index, cap in run]
    return lines


def likeness(cap: Cap) -> tuple[object, ...] | None:
    """Equal for capabilities that may share a line; None for those that may not."""
    match cap:
        case FrameCap():
            return ("frame", cap.size, cap.is_device, cap.can_read, cap.can_write, cap.asid)
        case UntypedCap():
            return ("untyped", cap.is_device)
        case PageTableCap():
            return ("page table", cap.asid)
        case _:
            return None


def summary(caps: list[Cap]) -> str:
    """Many like capabilities in one line: how many, what the first is, where the last one lies."""
    last = caps[-1]
    where = f"{last.base:#x}" if isinstance(last, FrameCap | UntypedCap) else ""
    if isinstance(last, PageTableCap):
        where = place(last.table.address)
    return f"{len(caps)} × {words_of(caps[0])} … {where}"
