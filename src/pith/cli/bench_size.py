"""`pith bench size`: the kernel's lines of code, file by file, beside the published sizes of other kernels."""

from rich.console import Console
from rich.table import Table

from pith.lab.size import LIMIT, PUBLISHED, count


def size() -> None:
    """Count the kernel's lines of code: no blanks, no comments, no docstrings."""
    console = Console(highlight=False)
    counted = count()
    total, lines = sum(file.code for file in counted), sum(file.lines for file in counted)
    table = Table(title="Lines of code in kernel/", title_justify="left", box=None, pad_edge=False)
    table.add_column("file")
    table.add_column("code", justify="right")
    table.add_column("with comments and blanks", justify="right")
    for file in counted:
        table.add_row(file.name, f"{file.code:,}", f"{file.lines:,}")
    table.add_section()
    table.add_row("[bold]in all[/bold]", f"[bold]{total:,}[/bold]", f"{lines:,}")
    console.print(table)
    others = Table(title="\nBeside published kernels", title_justify="left", box=None, pad_edge=False)
    others.add_column("kernel")
    others.add_column("lines", justify="right")
    others.add_row("[bold]Pith[/bold]", f"[bold]{total:,}[/bold]")
    for name, published in PUBLISHED:
        others.add_row(name, published)
    console.print(others)
    verdict = "within" if total <= LIMIT else "over"
    console.print(f"\n{verdict} the limit of {LIMIT:,} lines")
