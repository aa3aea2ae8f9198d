"""Scalable vector graphics, as far as graphs need them: boxes with text, lines, curves with arrowheads.

Colours are CSS classes. In a page the page says what they look like, light or dark (`STYLE`, with the page's variables); a drawing in a
file of its own carries the light ones with it, spelled out, for not every viewer knows variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape

CHARACTER = 7.3  # width of one at 12 pixels, monospaced
LINE = 26  # from one row to the next
BOX = 20  # height
MARGIN = 16

COLOURS = {  # name: by day, by night
    "ink": ("#1d2330", "#e5e7eb"),
    "dim": ("#6b7280", "#9ca3af"),
    "paper": ("#fcfcfa", "#14171d"),
    "line": ("#c3c7cf", "#434b58"),
    "card": ("#ffffff", "#1c2029"),
    "blue": ("#2b6cb0", "#63b3ed"),
    "green": ("#2f855a", "#68d391"),
    "orange": ("#c05621", "#f6ad55"),
    "violet": ("#6b46c1", "#b794f4"),
    "red": ("#c53030", "#fc8181"),
    "teal": ("#2c7a7b", "#4fd1c5"),
}

STYLE = """
svg text { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--ink); }
svg .note { fill: var(--dim); } svg .heading { font-weight: 700; }
.box rect { fill: var(--card); stroke: var(--dim); } .box:hover rect { stroke-width: 2.5; }
.thread rect { stroke: var(--blue); } .endpoint rect { stroke: var(--orange); } .notification rect { stroke: var(--violet); }
.untyped rect { stroke: var(--dim); stroke-dasharray: 4 2; } .context rect { stroke: var(--green); }
.reply rect { stroke: var(--red); } .frame rect, .page-table rect { stroke: var(--teal); } .cnode rect { stroke: var(--ink); }
.bar rect { stroke: none; fill: var(--green); } .later rect { fill: var(--line); }
.edge { fill: none; stroke: currentColor; stroke-width: 1.5; color: var(--line); } .edge:hover { stroke-width: 4; }
.head { fill: currentColor; stroke: none; }
.may-send { color: var(--blue); opacity: .6; } .may-receive { color: var(--green); opacity: .6; }
.may-both { color: var(--line); } .may-both.edge { stroke-dasharray: 2 3; }
.sends { color: var(--blue); } .receives { color: var(--green); } .awaits-answer { color: var(--red); }
.sends.edge, .receives.edge, .awaits-answer.edge { stroke-width: 3; }
.bound { color: var(--violet); } .bound.edge { stroke-dasharray: 5 3; }
"""


@dataclass
class Drawing:
    """Elements in the order in which they are painted, and how far they reach."""

    width: float = 0
    height: float = 0
    lines: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)

    def box(
        self, x: float, y: float, text: str, css: str, title: str = "", height: float = BOX, note: str = ""
    ) -> float:
        """A box with its left middle at (x, y), and a note behind it; returns the box's width."""
        width = text_width(text)
        self._reach(x + width, y + height / 2)
        self.boxes.append(
            f'<g class="box {css}"><title>{escape(title or text)}</title>'
            f'<rect x="{x:.0f}" y="{y - height / 2:.0f}" width="{width:.0f}" height="{height:.0f}" rx="5"/>'
            f'<text x="{x + 8:.0f}" y="{y + 4:.0f}">{escape(text)}</text></g>'
        )
        if note:
            self.text(x + width + 8, y, note, "note")
        return width

    def text(self, x: float, y: float, text: str, css: str) -> None:
        """Text alone, its left middle at (x, y)."""
        self._reach(x + text_width(text), y + BOX / 2)
        self.boxes.append(f'<text class="{css}" x="{x:.0f}" y="{y + 4:.0f}">{escape(text)}</text>')

    def bar(self, x: float, y: float, width: float, css: str, title: str) -> None:
        """A filled stretch, its left middle at (x, y)."""
        self._reach(x + width, y + BOX / 2)
        self.boxes.append(
            f'<g class="bar {css}"><title>{escape(title)}</title>'
            f'<rect x="{x:.1f}" y="{y - 7:.0f}" width="{max(width, 1):.1f}" height="14"/></g>'
        )

    def curve(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        css: str,
        title: str = "",
        forth: bool = True,
        back: bool = False,
    ) -> None:
        """A curve that leaves and arrives horizontally, to the right, with an arrowhead at either end or both."""
        bend = max(24.0, (x2 - x1) / 2)
        self._reach(x2, max(y1, y2))
        heads = f" M{x2:.0f} {y2:.0f} l-8 -4 v8 z" if forth else ""
        heads += f" M{x1:.0f} {y1:.0f} l8 -4 v8 z" if back else ""
        self.lines.append(
            f'<g><title>{escape(title)}</title><path class="edge {css}" d="M{x1:.0f} {y1:.0f} '
            f'C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"/>'
            f'<path class="head {css}" d="{heads.strip()}"/></g>'
        )

    def elbow(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """A line down from (x1, y1), then, round a corner, to the right to (x2, y2)."""
        self.lines.append(
            f'<path class="edge {css}" d="M{x1:.0f} {y1:.0f} V{y2 - 6:.0f} q0 6 6 6 H{x2:.0f}"/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A thin straight line."""
        self.lines.append(f'<path class="edge" d="M{x1:.0f} {y1:.0f} L{x2:.0f} {y2:.0f}"/>')

    def _reach(self, x: float, y: float) -> None:
        self.width, self.height = max(self.width, x), max(self.height, y)

    def svg(self) -> str:
        """The drawing as one element of a page, lines below boxes."""
        return self._element("\n".join([*self.lines, *self.boxes]))

    def document(self) -> str:
        """The drawing as a file of its own."""
        style = re.sub(r"var\(--(\w+)\)", lambda found: COLOURS[found[1]][0], STYLE)
        paper = f'<rect width="100%" height="100%" fill="{COLOURS["paper"][0]}"/>'
        content = "\n".join([f"<style>{style}</style>", paper, *self.lines, *self.boxes])
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{self._element(content)}\n'

    def _element(self, content: str) -> str:
        width, height = self.width + MARGIN, self.height + MARGIN
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}">\n{content}\n</svg>'
        )


def text_width(text: str) -> float:
    """The width of a box around the text."""
    return len(text) * CHARACTER + 16


def variables(night: bool) -> str:
    """The colours as the page's variables."""
    return " ".join(f"--{name}: {shades[night]};" for name, shades in COLOURS.items())
