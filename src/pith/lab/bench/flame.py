"""A profile as a flame graph: a box a function, as wide as its instructions, on top of its caller's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .profile import Profile
from .svg import Drawing

WIDTH: Final = 1200
FRAME_HEIGHT: Final = 20
MARGIN: Final = 10
TOP: Final = 50
CHARACTER_WIDTH: Final = 6.7  # of the font at 11 pixels
COLOURS: Final = {"user": "#90cdf4", "firmware": "#c6f6d5"}
WARM: Final = ("#f6ad55", "#f6e05e", "#fc8181", "#ed8936", "#ecc94b", "#f56565")


@dataclass
class Frame:
    """A function, where it was called from one place in the tree."""

    name: str
    total: int = 0
    callees: dict[str, Frame] = field(default_factory=dict)

    def callee(self, name: str) -> Frame:
        return self.callees.setdefault(name, Frame(name))

    def depth(self) -> int:
        return 1 + max((callee.depth() for callee in self.callees.values()), default=0)


def tree(profile: Profile) -> Frame:
    """The stacks as a tree; callees in the order in which they first ran."""
    root = Frame(profile.name)
    for stack, count in profile.stacks.items():
        frame = root
        frame.total += count
        for name in stack:
            frame = frame.callee(name)
            frame.total += count
    return root


def flame_graph(profile: Profile) -> str:
    """The SVG text."""
    root = tree(profile)
    depth = root.depth()
    drawing = Drawing(WIDTH, TOP + depth * FRAME_HEIGHT + MARGIN, f"pith bench trace {profile.name}")
    drawing.text(MARGIN, 26, f"{profile.name}: {profile.total} instructions", size=16)
    scale = (WIDTH - 2 * MARGIN) / max(1, root.total)
    draw(drawing, root, MARGIN, TOP + (depth - 1) * FRAME_HEIGHT, scale, root.total)
    return str(drawing)


def draw(drawing: Drawing, frame: Frame, x: float, y: float, scale: float, whole: int) -> None:
    width = frame.total * scale
    hint = f"{frame.name}: {frame.total} instructions, {frame.total / whole:.1%}"
    colour = COLOURS.get(frame.name) or WARM[sum(frame.name.encode()) % len(WARM)]
    drawing.box(x, y, max(width - 0.5, 0.5), FRAME_HEIGHT - 1, colour, hint)
    room = int((width - 6) / CHARACTER_WIDTH)
    if room >= 3:
        label = frame.name if len(frame.name) <= room else frame.name[: room - 1] + "…"
        drawing.text(x + 3, y + 14, label, size=11, hint=hint)
    for callee in frame.callees.values():
        draw(drawing, callee, x, y - FRAME_HEIGHT, scale, whole)
        x += callee.total * scale
