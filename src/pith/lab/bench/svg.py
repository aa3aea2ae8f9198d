"""Drawing in SVG: the little that bars, flames and lines need."""

from __future__ import annotations

from html import escape
from typing import Final

FONT: Final = "font-family='ui-monospace, Menlo, Consolas, monospace'"


class Drawing:
    """Shapes on a white page, which grow downwards."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self.shapes: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, colour: str, hint: str = "") -> None:
        """A filled rectangle; a browser shows the hint under the pointer."""
        place = f"x='{x:.2f}' y='{y:.2f}' width='{width:.2f}' height='{height:.2f}'"
        self.shapes.append(f"<rect {place} fill='{colour}'><title>{escape(hint)}</title></rect>")

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str) -> None:
        self.shapes.append(
            f"<line x1='{x1:.2f}' y1='{y1:.2f}' x2='{x2:.2f}' y2='{y2:.2f}' stroke='{colour}' stroke-width='1'/>"
        )

    def path(self, points: list[tuple[float, float]], colour: str, *, dashed: bool = False) -> None:
        """Straight lines from point to point."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = " stroke-dasharray='5 4'" if dashed else ""
        style = f"fill='none' stroke='{colour}' stroke-width='2'{dashes}"
        self.shapes.append(f"<polyline points='{places}' {style}/>")

    def ring(self, x: float, y: float, colour: str, hint: str) -> None:
        style = f"fill='none' stroke='{colour}' stroke-width='1.5'"
        self.shapes.append(
            f"<circle cx='{x:.1f}' cy='{y:.1f}' r='6' {style}><title>{escape(hint)}</title></circle>"
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 12,
        anchor: str = "start",
        colour: str = "#222",
        hint: str = "",
    ) -> None:
        title = f"<title>{escape(hint)}</title>" if hint else ""
        style = f"font-size='{size}' text-anchor='{anchor}' fill='{colour}'"
        self.shapes.append(f"<text x='{x:.2f}' y='{y:.2f}' {style}>{escape(text)}{title}</text>")

    def __str__(self) -> str:
        head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {self.width} {self.height}' {FONT}>"
        page = f"<rect width='{self.width}' height='{self.height}' fill='white'/>"
        return "\n".join([head, f"<title>{escape(self.title)}</title>", page, *self.shapes, "</svg>", ""])
