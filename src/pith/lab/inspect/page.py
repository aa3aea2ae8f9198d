"""Reports and graphs as one HTML file that needs nothing else: no scripts, no fonts, light or dark as the reader likes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from pith.verify.census import Census

from . import drawing
from .communication import communication_graph
from .drawing import variables
from .graphs import derivation_graph, time_graph
from .report import Report, Table, Tree

OPEN_UNTIL = 40  # larger trees are folded below their first level

STYLE = f"""
:root {{ color-scheme: light dark; {variables(night=False)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {variables(night=True)} }} }}
body {{ margin: 2.5rem auto; max-width: 76rem; padding: 0 1.5rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.6rem; font-weight: 600; margin: 0 0 .3rem; }} h2 {{ font-size: 1.15rem; margin: 2.4rem 0 .6rem; }}
h3 {{ font-size: .95rem; color: var(--dim); font-weight: 500; margin: 1.2rem 0 .3rem; }}
nav a {{ color: var(--blue); text-decoration: none; margin-right: 1.1rem; }} p {{ color: var(--dim); }}
table {{ border-collapse: collapse; font: 12px/1.6 ui-monospace, monospace; }}
th {{ text-align: left; color: var(--dim); font-weight: 500; border-bottom: 1px solid var(--line); }}
th, td {{ padding: .15rem 1.2rem .15rem 0; vertical-align: top; }} tr:hover td {{ background: var(--card); }}
ul, .tree {{ font: 12px/1.7 ui-monospace, monospace; list-style: none; padding-left: 1.3rem; margin: 0; }}
summary {{ cursor: pointer; }} ul ul, details > ul {{ border-left: 1px solid var(--line); }}
.figure {{ overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem; }}
{drawing.STYLE}"""


def page(reports: Iterable[Report], census: Census, title: str) -> str:
    """The whole document."""
    sections = [_figure("Communication graph", communication_graph(census).svg())]
    sections += [_section(report) for report in reports]
    sections.append(_figure("Refills", time_graph(census).svg()))
    sections.append(_figure("Derivation tree", derivation_graph(census).svg()))
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections)
    body = "\n".join(text for _, text in sections)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/><title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1><nav>{links}</nav>\n{body}\n</body></html>\n"
    )


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _figure(name: str, svg: str) -> tuple[str, str]:
    return name, f'<h2 id="{_anchor(name)}">{escape(name)}</h2><div class="figure">{svg}</div>'


def _section(report: Report) -> tuple[str, str]:
    parts = "\n".join(_table(part) if isinstance(part, Table) else _tree(part) for part in report.parts)
    if not parts:
        parts = f"<p>{escape(report.empty)}</p>"
    name = escape(report.title)
    return report.title, f'<h2 id="{_anchor(report.title)}">{name}</h2>\n{parts}'


def _table(part: Table) -> str:
    title = f"<h3>{escape(part.title)}</h3>" if part.title else ""
    if not part.rows:
        return f"{title}<p>{escape(part.empty)}</p>"
    head = "".join(f"<th>{escape(column)}</th>" for column in part.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in part.rows
    )
    return f"{title}<table><tr>{head}</tr>\n{rows}</table>"


def _tree(part: Tree) -> str:
    return f'<div class="tree">{"".join(_branches(part))}</div>'


def _branches(root: Tree) -> Iterator[str]:
    """The tree as nested lists, those with children to be folded; a closing tag waits behind its children."""
    is_open = ' open=""' if root.size() <= OPEN_UNTIL else ""
    pending: list[Tree | str] = [root]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif not item.children:
            yield f"<li>{escape(item.label)}</li>"
        else:
            unfolded = ' open=""' if item is root else is_open
            yield f"<li><details{unfolded}><summary>{escape(item.label)}</summary><ul>"
            pending.append("</ul></details></li>")
            pending += reversed(item.children)
