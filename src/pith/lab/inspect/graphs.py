"""The two graphs: the derivation tree, and who may speak, and does speak, to whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pith.kernel.objects import (
    Cap,
    CNodeCap,
    EndpointCap,
    NotificationCap,
    Reply,
    Thread,
    ThreadSlot,
    ThreadState,
)
from pith.metal import Struct
from pith.verify.census import Census
from pith.verify.naming import KINDS, place, state_name
from pith.verify.queues import waits_at

from .capabilities import by_container
from .derivation import forest
from .drawing import LINE, Drawing, text_width
from .report import Tree
from .threads import short_name

INDENT = 40
GAP = 260  # between threads and what they communicate through
SECOND_LANE = ("may-receive", "bound")  # drawn beside the line of who may send as well


# The derivation tree --------------------------------------------------------------------------------------


def derivation_graph(census: Census) -> Drawing:
    """Trees growing to the right and down; a parent stands in the row of its first child's."""
    drawing = Drawing()
    row = 0
    for tree in forest(census):
        row = _grow(drawing, tree, 8, row) + 1
    return drawing


def _grow(drawing: Drawing, root: Tree, left: float, first_row: int) -> int:
    """Draw a tree from `first_row` on, a label a row; return the last row."""
    row = first_row - 1
    pending: list[tuple[Tree, float, tuple[float, float] | None]] = [(root, left, None)]
    while pending:
        tree, x, stem = pending.pop()
        row += 1
        y = LINE * (row + 0.5) + 8
        if stem is not None:
            drawing.elbow(*stem, x, y, "derived")
        words, _, slot = tree.label.partition("  ← ")
        drawing.box(x, y, words, _kind(words), f"{words}, in {slot}" if slot else words)
        pending += [(child, x + INDENT, (x + 14, y + 10)) for child in reversed(tree.children)]
    return row


def _kind(words: str) -> str:
    """The class that a capability is coloured by: the first word of its kind that has a colour."""
    for kind in (
        "untyped",
        "frame",
        "page table",
        "thread",
        "endpoint",
        "notification",
        "reply",
        "context",
        "CNode",
    ):
        if kind in words.partition(" at ")[0]:
            return kind.replace(" ", "-").lower()
    return "other"


# Who speaks to whom ---------------------------------------------------------------------------------------


class Edge(NamedTuple):
    """From a thread to an object it communicates through: what the thread may do there, or does."""

    thread: Thread
    item: Struct
    verb: str  # send, receive, wait, call: also the CSS class


def communication_graph(census: Census) -> Drawing:
    """Threads on the left, endpoints, notifications and replies on the right, each near its threads."""
    edges = sorted(set(communication(census)), key=lambda e: (e.thread.address, e.item.address, e.verb))
    drawing = Drawing()
    threads = list(dict.fromkeys(edge.thread for edge in edges))
    rows = {thread: index for index, thread in enumerate(threads)}
    items = sorted({edge.item for edge in edges}, key=lambda item: _centre(item, edges, rows))
    labels = {thread: f"{short_name(thread)} · {state_name(thread.state)}" for thread in threads}
    right = 8 + max((text_width(label) for label in labels.values()), default=0)
    spread = max(1.0, len(threads) / max(1, len(items)))
    for thread, row in rows.items():
        drawing.box(8, _y(row), labels[thread], "thread", f"thread at {place(thread.address)}")
    heights = {item: _y(index * spread) for index, item in enumerate(items)}
    for item, y in heights.items():
        kind = KINDS[type(item)]
        drawing.box(right + GAP, y, f"{kind} {place(item.address)}", kind)
    for thread, item, verb in edges:
        title = f"{short_name(thread)}: {verb.replace('-', ' ')} at {place(item.address)}"
        start = 8 + text_width(labels[thread])
        shift = 4 if verb in SECOND_LANE else 0
        drawing.curve(start, _y(rows[thread]) + shift, right + GAP, heights[item] + shift, verb, title)
    return drawing


def _y(row: float) -> float:
    return LINE * (row + 0.5) * 1.4 + 8


def _centre(item: Struct, edges: list[Edge], rows: dict[Thread, int]) -> tuple[float, int]:
    """The mean row of an object's threads, so that lines cross little."""
    near = [rows[edge.thread] for edge in edges if edge.item is item]
    return sum(near) / len(near), item.address


def communication(census: Census) -> Iterator[Edge]:
    """What threads may do, by the capabilities in their CSpaces, and what they are doing."""
    containers = by_container(census)
    for thread in census.all(Thread):
        for cap in held_by(thread, containers):
            match cap:
                case EndpointCap(endpoint=item) | NotificationCap(notification=item):
                    if cap.can_send:
                        yield Edge(thread, item, "may-send")
                    if cap.can_receive:
                        yield Edge(thread, item, "may-receive")
        yield from _doing(thread)


def _doing(thread: Thread) -> Iterator[Edge]:
    item = waits_at(thread)
    if item is not None:
        is_sending = thread.state is ThreadState.BLOCKED_ON_SEND
        yield Edge(thread, item, "sends" if is_sending else "receives")
    if thread.state is ThreadState.BLOCKED_ON_REPLY and isinstance(thread.wait_reply, Reply):
        yield Edge(thread, thread.wait_reply, "awaits-answer")
    if thread.bound_notification is not None:
        yield Edge(thread, thread.bound_notification, "bound")


def held_by(thread: Thread, containers: dict[int, list[tuple[int, Cap]]]) -> Iterator[Cap]:
    """Every capability in the thread's CSpace, each CNode once, and its fault handlers."""
    own = dict(containers.get(thread.slots[0].address, []))
    pending = [own.get(ThreadSlot.CSPACE)]
    seen: set[int] = set()
    yield from (own[slot] for slot in (ThreadSlot.FAULT_HANDLER, ThreadSlot.TIMEOUT_HANDLER) if slot in own)
    while pending:
        node = pending.pop()
        if isinstance(node, CNodeCap) and node.cnode.address not in seen:
            seen.add(node.cnode.address)
            for _, cap in containers.get(node.cnode.address, []):
                yield cap
                pending.append(cap)
