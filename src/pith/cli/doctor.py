"""`pith doctor`: what is installed, what is missing, and what to type.

`examination.py` finds it. Where typer or rich themselves cannot be imported, `main.py` has it printed without them.
"""

import typer
from rich.console import Console
from rich.markup import escape

from pith.cli.examination import Finding, examine


def doctor() -> None:
    """Say what is installed, what is missing, and what to type.

    Exit code 1 when something is missing that Pith cannot do without.
    """
    console = Console(highlight=False, soft_wrap=True)
    findings = list(examine())
    for finding in findings:
        console.print(line_about(finding))
    missing = [finding for finding in findings if finding.complaint and finding.required]
    if missing:
        console.print(f"\n{len(missing)} required: see what to type above")
        raise typer.Exit(1)
    console.print("\nall that Pith needs is here: [bold]pith boot[/bold]")


def line_about(finding: Finding) -> str:
    if not finding.complaint:
        return f"[green]ok     [/green] {finding.subject:<14} {escape(finding.found)}"
    mark = "[red]missing[/red]" if finding.required else "[yellow]absent [/yellow]"
    return f"{mark} {finding.subject:<14} {escape(finding.complaint)}\n{'':23}try: {escape(finding.remedy)}"
