"""Who may speak, and does speak, to whom: threads and interrupts on the left, what they communicate through on the right.

An arrow points the way that messages go. Each line has a place of its own at the side of both its boxes, and boxes are put where
their lines cross little: each near the mean of what it is tied to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from pith.kernel import state
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
from pith.verify.census import UNREADABLE, Census
from pith.verify.naming import KINDS, place, state_name
from pith.verify.queues import waits_at

from .capabilities import by_container
from .drawing import BOX, Drawing, text_width
from .report import readable
from .threads import short_name

GAP = 280  # between threads and what they communicate through
PORT = 9  # from one line to the next, at the side of a box
BETWEEN = 12  # boxes
ROUNDS = 8  # of sorting
RECEIVING = ("receives", "bound")  # who serves a place
MAY_RECEIVE = ("may-receive", "may-both")
MOST_NAMES = 3  # in one label
DOING = {"sends": "may-send", "receives": "may-receive"}  # what is done may be done
INWARD = ("may-send", "sends", "awaits-answer", "may-both")  # messages go to the object
OUTWARD = ("may-receive", "receives", "bound", "may-both")

LEGEND = (
    ("may-send", "may send"),
    ("may-receive", "may receive"),
    ("may-both", "may do both"),
    ("sends", "waits to send"),
    ("receives", "waits to receive"),
    ("awaits-answer", "awaits an answer"),
    ("bound", "bound notification"),
)

Box = Struct | int  # a thread, another object, or an interrupt by its number


class Edge(NamedTuple):
    """From a thread or interrupt to an object it communicates through: what it may do there, or does."""

    speaker: Box
    item: Struct
    verb: str  # also the CSS class


# What there is to draw ------------------------------------------------------------------------------------


def communication(census: Census) -> Iterator[Edge]:
    """What threads may do, by the capabilities in their CSpaces, and what they are doing; whom interrupts signal."""
    containers = by_container(census)
    for thread in census.all(Thread):
        done = set(_readable_part(_doing(thread)))
        yield from done
        superseded = {(edge.item, DOING.get(edge.verb)) for edge in done}
        for edge in _permitted(thread, held_by(thread, containers)):
            if (edge.item, edge.verb) not in superseded:
                yield edge
    for number, cap in containers.get(state.interrupts.slots[0].address, []):
        if isinstance(cap, NotificationCap):
            yield Edge(number, cap.notification, "may-send")


def _readable_part(edges: Iterator[Edge]) -> Iterator[Edge]:
    """The edges up to the first that cannot be read."""
    with suppress(*UNREADABLE):
        yield from edges


def _doing(thread: Thread) -> Iterator[Edge]:
    item = waits_at(thread)
    if item is not None:
        is_sending = thread.state is ThreadState.BLOCKED_ON_SEND
        yield Edge(thread, item, "sends" if is_sending else "receives")
    if thread.state is ThreadState.BLOCKED_ON_REPLY and isinstance(thread.wait_reply, Reply):
        yield Edge(thread, thread.wait_reply, "awaits-answer")
    if thread.bound_notification is not None:
        yield Edge(thread, thread.bound_notification, "bound")


def _permitted(thread: Thread, caps: Iterable[Cap]) -> Iterator[Edge]:
    rights: dict[Struct, set[str]] = {}
    for cap in caps:
        match cap:
            case EndpointCap(endpoint=item) | NotificationCap(notification=item):
                held = rights.setdefault(item, set())
                held |= {"may-send"} if cap.can_send else set()
                held |= {"may-receive"} if cap.can_receive else set()
    for target, held in rights.items():
        if held:
            yield Edge(thread, target, "may-both" if len(held) == 2 else held.pop())


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


# Where it is drawn ----------------------------------------------------------------------------------------


class Placed(NamedTuple):
    """A box's middle, its height, and where at its side each of its lines begins or ends."""

    y: float
    height: float
    ports: dict[Edge, float]


def communication_graph(census: Census) -> Drawing:
    """Speakers on the left, endpoints, notifications and replies on the right."""
    edges = sorted(communication(census), key=lambda edge: (*map(_address, edge[:2]), edge.verb))
    drawing = Drawing()
    top = _draw_legend(drawing)
    speakers, items = _untangled(edges)
    left = _place([edge.speaker for edge in edges], speakers, items, edges, top)
    across = _place([edge.item for edge in edges], items, speakers, edges, top)
    labels = {box: _label(box, edges) for box in (*speakers, *items)}
    right = 8 + max((text_width(labels[speaker]) for speaker in speakers), default=0) + GAP
    for column, x in ((left, 8), (across, right)):
        for box, at in column.items():
            kind = "interrupt" if isinstance(box, int) else KINDS[type(box)]
            drawing.box(x, at.y, labels[box], kind, f"{kind} {place(_address(box))}", at.height)
    for edge in edges:
        start = 8 + text_width(labels[edge.speaker])
        y1, y2 = left[edge.speaker].ports[edge], across[edge.item].ports[edge]
        title = f"{labels[edge.speaker]}: {edge.verb.replace('-', ' ')} at {labels[edge.item]}"
        drawing.curve(start, y1, right, y2, edge.verb, title, edge.verb in INWARD, edge.verb in OUTWARD)
    return drawing


def _address(box: Box) -> int:
    return box if isinstance(box, int) else box.address


def _label(box: Box, edges: list[Edge]) -> str:
    """What a box is called: a thread by its name, what it receives at by the receivers' names, the rest by address."""
    if isinstance(box, int):
        return f"interrupt {box}"
    if isinstance(box, Thread):
        return f"{readable(short_name, box)} · {readable(_state, box)}"
    kind = KINDS[type(box)]
    receivers = {edge.speaker for edge in edges if edge.item is box and edge.verb in RECEIVING}
    if not receivers:
        receivers = {edge.speaker for edge in edges if edge.item is box and edge.verb in MAY_RECEIVE}
    names = sorted(readable(short_name, thread) for thread in receivers if isinstance(thread, Thread))
    if not 0 < len(names) <= MOST_NAMES:
        return f"{kind} {place(box.address)}"
    return f"{kind} of {', '.join(names)} {place(box.address)}"


def _state(thread: Thread) -> str:
    return state_name(thread.state)


def _draw_legend(drawing: Drawing) -> float:
    """What the lines mean, in rows of four; returns where the graph may begin."""
    for index, (verb, words) in enumerate(LEGEND):
        x, y = 8 + index % 4 * 190, 14 + index // 4 * 20
        drawing.curve(x, y, x + 40, y, verb, words, verb in INWARD, verb in OUTWARD)
        drawing.text(x + 46, y, words, "note")
    return 14 + (len(LEGEND) + 3) // 4 * 20


def _untangled(edges: list[Edge]) -> tuple[list[Box], list[Box]]:
    """Both columns, in an order in which lines cross little: each box near the mean of those that it is tied to."""
    speakers: list[Box] = list(dict.fromkeys(edge.speaker for edge in edges))
    items: list[Box] = list(dict.fromkeys(edge.item for edge in edges))
    for _ in range(ROUNDS):
        items = _near(items, [(edge.item, speakers.index(edge.speaker)) for edge in edges])
        speakers = _near(speakers, [(edge.speaker, items.index(edge.item)) for edge in edges])
    return speakers, items


def _near(column: list[Box], ties: list[tuple[Box, int]]) -> list[Box]:
    """The column, sorted by the mean row of what each is tied to."""
    rows = {box: [row for tied, row in ties if tied is box] for box in column}
    return sorted(column, key=lambda box: sum(rows[box]) / len(rows[box]))


def _place(
    ends: list[Box], column: list[Box], opposite: list[Box], edges: list[Edge], top: float
) -> dict[Box, Placed]:
    """Put a column's boxes below one another, each as high as its lines need. `ends`: the edges' boxes in this column."""
    placed: dict[Box, Placed] = {}
    y = top + BETWEEN
    for box in column:
        own = [edge for edge, end in zip(edges, ends, strict=True) if end is box]
        own.sort(key=lambda edge: opposite.index(edge.item if edge.speaker is box else edge.speaker))
        height = max(BOX, PORT * (len(own) + 1))
        first = y + (height - PORT * (len(own) - 1)) / 2
        placed[box] = Placed(y + height / 2, height, {e: first + PORT * n for n, e in enumerate(own)})
        y += height + BETWEEN
    return placed
