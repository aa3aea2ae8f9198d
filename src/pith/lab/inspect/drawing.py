"""Scalable vector graphics, as far as graphs need them: boxes with text, lines, curves. Colours are CSS classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

CHARACTER = 7.3  # width of one at 12 pixels, monospaced
LINE = 26  # from one row to the next
BOX = 20  # height


@dataclass
class Drawing:
    """Elements in the order in which they are painted, and how far they reach."""

    width: float = 0
    height: float = 0
    lines: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, text: str, css: str, title: str = "") -> float:
        """A box with its left middle at (x, y); returns its width."""
        width = text_width(text)
        self._reach(x + width, y + BOX)
        self.boxes.append(
            f'<g class="box {css}"><title>{escape(title or text)}</title>'
            f'<rect x="{x:.0f}" y="{y - BOX / 2:.0f}" width="{width:.0f}" height="{BOX}" rx="5"/>'
            f'<text x="{x + 8:.0f}" y="{y + 4:.0f}">{escape(text)}</text></g>'
        )
        return width

    def curve(self, x1: float, y1: float, x2: float, y2: float, css: str, title: str = "") -> None:
        """A curve that leaves and arrives horizontally."""
        bend = max(24.0, abs(x2 - x1) / 2) * (1 if x2 >= x1 else -1)
        self._reach(max(x1, x2), max(y1, y2))
        self.lines.append(
            f'<path class="edge {css}" d="M{x1:.0f} {y1:.0f} C{x1 + bend:.0f} {y1:.0f} '
            f'{x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"><title>{escape(title)}</title></path>'
        )

    def elbow(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """A line down from (x1, y1), then, round a corner, to the right to (x2, y2)."""
        self.lines.append(
            f'<path class="edge {css}" d="M{x1:.0f} {y1:.0f} V{y2 - 6:.0f} q0 6 6 6 H{x2:.0f}"/>'
        )

    def _reach(self, x: float, y: float) -> None:
        self.width, self.height = max(self.width, x), max(self.height, y)

    def svg(self) -> str:
        """The drawing as one element, lines below boxes."""
        width, height = self.width + 16, self.height + 16
        content = "\n".join([*self.lines, *self.boxes])
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}">\n{content}\n</svg>'
        )


def text_width(text: str) -> float:
    """The width of a box around the text."""
    return len(text) * CHARACTER + 16
