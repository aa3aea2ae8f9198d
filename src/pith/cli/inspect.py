"""`pith inspect`: threads, capabilities, address spaces, queues and time in a dump of a machine's memory."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pith import UserError
from pith.cli.arguments import check_apart, check_readable
from pith.cli.errors import UsageError

MOST_VIOLATIONS = 25


class Subject(StrEnum):
    THREADS = "threads"
    CAPS = "caps"
    DERIVATION = "derivation"
    SPACES = "spaces"
    QUEUES = "queues"
    TIME = "time"
    ALL = "all"


def inspect(
    dump: Annotated[
        Path,
        typer.Argument(
            help="A machine's memory, from `pith boot --dump`, or as QEMU's pmemsave writes it from 0x80000000 on.",
            metavar="DUMP",
        ),
    ],
    subject: Annotated[
        Subject | None,
        typer.Argument(help="What to show: all, if nothing else is asked for.", show_default=False),
    ] = None,
    kernel: Annotated[
        Path | None,
        typer.Option(
            help="The ELF of the kernel that ran; pmemsave's dumps need it.",
            metavar="ELF",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Write all of it, with drawings, to this page instead.", metavar="FILE", show_default=False
        ),
    ] = None,
    svg: Annotated[
        Path | None,
        typer.Option(
            help="Draw the subject to this file instead: threads, caps, derivation, spaces, queues or time.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the kernel's invariants, and list what violates them.")
    ] = False,
) -> None:
    """Look into the kernel's memory: a dump of a machine that was stopped."""
    from pith.lab.inspect import subjects
    from pith.lab.inspect.dump import WHAT_TO_NAME, attach_dump, is_elf

    if svg is not None and subject in (None, Subject.ALL):
        raise UsageError(
            "a drawing shows one subject",
            f"pith inspect {dump} queues --svg {svg}; or all of it: --html FILE",
        )
    if html is not None and subject not in (None, Subject.ALL):
        raise UsageError(
            "a page shows all subjects",
            f"pith inspect {dump} --html {html}; or one drawn: {subject} --svg FILE",
        )
    check_readable(dump, WHAT_TO_NAME.removeprefix("name "))
    for output in (html, svg):
        if output is not None:
            check_apart(output, [dump] if kernel is None else [dump, kernel])
    if kernel is not None:
        check_readable(kernel, "the kernel's ELF")
    elif not is_elf(dump):
        raise UserError(
            f"{dump} is not what `pith boot --dump` writes, and bare memory does not say which kernel's it is",
            f"if it is memory from 0x80000000 on: pith inspect {dump} --kernel ELF",
        )
    attach_dump(dump, kernel)
    if html is not None:
        write_page(html, dump.name)
    if svg is not None:
        write_drawing(svg, subject or Subject.ALL)
    if html is None and svg is None and (subject is not None or not check):
        subjects.show((subject or Subject.ALL).value)
    if check:
        report_violations()


def write_page(html: Path, name: str) -> None:
    """Write the HTML page, or say why it can't be."""
    from pith.lab.inspect import page, subjects
    from pith.verify.census import take_census

    write(html, page.page(subjects.reports(), take_census(), f"Inside {name}"))


def write_drawing(svg: Path, subject: Subject) -> None:
    """Write the subject's drawing as a file of its own, or say why it can't be."""
    from pith.lab.inspect.graphs import GRAPHS
    from pith.verify.census import take_census

    write(svg, GRAPHS[subject.value](take_census()).document())


def write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}", "name a file that can be written") from None
    print(f"{file}: {-(-len(text) // 1024)} KiB")


def report_violations() -> None:
    """List what violates the kernel's invariants; exit code 1 if anything does."""
    from pith.verify.check import RULES, check_all

    violations = check_all()
    for violation in violations[:MOST_VIOLATIONS]:
        print(violation)
    if len(violations) > MOST_VIOLATIONS:
        print("...")  # one broken link breaks many rules: the first ones tell most
    print(f"{len(RULES)} invariants, {len(violations)} violations")
    if violations:
        raise typer.Exit(1)
