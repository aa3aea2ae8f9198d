"""Pictures of a stopped system, one a subject: trees of capabilities and of address spaces, a scale of refills.

Who speaks to whom is a graph of its own: communication.py.
"""

from __future__ import annotations

from collections.abc import Callable

from pith.kernel import budget, state
from pith.kernel.objects import SchedContext
from pith.verify.address_spaces import mappings, spaces
from pith.verify.census import Census
from pith.verify.contexts import refills_of
from pith.verify.naming import place

from . import capabilities
from .communication import communication_graph
from .derivation import forest
from .drawing import LINE, MARGIN, Drawing, text_width
from .report import Tree, readable
from .spaces import merge, title_of, users_of
from .time import microseconds, owner

INDENT = 40
SCALE = 480  # pixels of time
TIME_LEGEND = (
    "budget that may be used: where it begins is when, how long it is, how much",
    "of a round-robin slice: what is used already",
    "a row is a scheduling context: whose time it is, its budget and its period",
)
KINDS = ("untyped", "frame", "page table", "thread", "endpoint", "notification", "reply", "context", "CNode")


def derivation_graph(census: Census) -> Drawing:
    """Which capability was made from which."""
    return tree_graph(forest(census))


def capability_graph(census: Census) -> Drawing:
    """Each thread's capability space."""
    return tree_graph([part for part in capabilities.report(census).parts if isinstance(part, Tree)])


def space_graph(census: Census) -> Drawing:
    """Each address space, and what is mapped in it."""
    users = users_of(census)
    return tree_graph(
        [
            Tree(
                title_of(asid, root, users),
                [
                    Tree(
                        f"{piece.rights} frame {piece.start:#x} to {piece.end:#x}  ← physical {piece.physical:#x}"
                    )
                    for piece in merge(mappings(asid, root))
                ],
            )
            for asid, root in spaces()
        ]
    )


def tree_graph(trees: list[Tree]) -> Drawing:
    """Trees growing to the right and down, a label a row."""
    drawing = Drawing()
    row = 0
    for tree in trees:
        row = _grow(drawing, tree, 8, row) + 1
    return drawing


def _grow(drawing: Drawing, root: Tree, left: float, first_row: int) -> int:
    """Draw a tree from `first_row` on; return the last row."""
    row = first_row - 1
    pending: list[tuple[Tree, float, tuple[float, float] | None]] = [(root, left, None)]
    while pending:
        tree, x, stem = pending.pop()
        row += 1
        y = LINE * (row + 0.5) + 8
        if stem is not None:
            drawing.elbow(*stem, x, y, "derived")
        words, arrow, where = tree.label.partition("  ← ")
        drawing.box(x, y, words, _kind(words), note=arrow.strip() + " " + where if where else "")
        pending += [(child, x + INDENT, (x + 14, y + 10)) for child in reversed(tree.children)]
    return row


def _kind(words: str) -> str:
    """The class that a label is coloured by: the first kind of object that it names."""
    found = [(words.find(kind), kind) for kind in KINDS if kind in words]
    return min(found)[1].replace(" ", "-").lower() if found else "other"


def time_graph(census: Census) -> Drawing:
    """Each scheduling context's refills on a scale that begins now: what may be used at once, and what comes when."""
    drawing = Drawing()
    contexts = sorted((c for c in census.all(SchedContext) if budget.is_active(c)), key=lambda c: c.address)
    labels = {context: _time_label(context) for context in contexts}
    stretches = {context: _stretches(context) for context in contexts}
    end = max((start + amount for rows in stretches.values() for start, amount, _ in rows), default=0) or 1
    left = MARGIN + max(map(text_width, labels.values()), default=0)
    bottom = LINE * (len(contexts) + 1)
    _draw_time_legend(drawing, bottom + LINE)
    for row, context in enumerate(contexts):
        y = LINE * (row + 1.5)
        drawing.box(8, y, labels[context], "context", f"context at {place(context.address)}")
        for start, amount, css in stretches[context]:
            title = f"{microseconds(amount)}, {'used' if css else 'from ' + microseconds(start) + ' on'}"
            drawing.bar(left + start * SCALE / end, y, amount * SCALE / end, css, title)
    for fraction in (0, 0.25, 0.5, 0.75, 1):
        x = left + fraction * SCALE
        drawing.line(x, 20, x, bottom)
        drawing.text(x - 12, 10, microseconds(round(end * fraction)) if fraction else "now", "note")
    return drawing


def _draw_time_legend(drawing: Drawing, y: float) -> None:
    """What the bars mean, below them."""
    drawing.bar(8, y, 24, "", TIME_LEGEND[0])
    drawing.text(38, y, TIME_LEGEND[0], "note")
    drawing.bar(8, y + LINE, 24, "later", TIME_LEGEND[1])
    drawing.text(38, y + LINE, TIME_LEGEND[1], "note")
    drawing.text(8, y + 2 * LINE, TIME_LEGEND[2], "note")


def _time_label(context: SchedContext) -> str:
    period = f" in {microseconds(context.period)}" if context.period else ", round robin"
    return f"{readable(owner, context)}: {microseconds(context.budget)}{period}"


def _stretches(context: SchedContext) -> list[tuple[int, int, str]]:
    """Start from now, amount, CSS class: of each refill; of a round-robin slice, what is left and what is used."""
    refills = refills_of(context)
    if budget.is_round_robin(context):
        left, used = (refill.amount for refill in refills[:2])
        return [(0, left, ""), (left, used, "later")]
    return [(max(refill.time - state.kernel.now, 0), refill.amount, "") for refill in refills]


GRAPHS: dict[str, Callable[[Census], Drawing]] = {
    "threads": communication_graph,
    "caps": capability_graph,
    "derivation": derivation_graph,
    "spaces": space_graph,
    "queues": communication_graph,
    "time": time_graph,
}
