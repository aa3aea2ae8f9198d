"""`pith run`: compile a user program, in metal Python or in C, and start it as the initial thread."""

from pathlib import Path
from typing import Annotated

import typer

from pith.cli.arguments import check_readable
from pith.cli.boot import (
    BenchmarkOption,
    ComplaintsOption,
    DumpOption,
    InstructionsOption,
    checked_memory,
    choose_machine,
)
from pith.cli.errors import UsageError
from pith.cli.start import Benchmark, BootOrder, Complaints, MachineName, saying, start

LANGUAGES = (".py", ".c")


def run_program(
    file: Annotated[Path, typer.Argument(help="A program in metal Python (.py) or C (.c).", metavar="FILE")],
    machine: Annotated[
        MachineName | None,
        typer.Option(
            help="Where to run: QEMU if it can be used, else the hosted machine.", show_default=False
        ),
    ] = None,
    memory: Annotated[str, typer.Option(help="The machine's memory.", metavar="SIZE")] = "128M",
    timeout: Annotated[
        float | None, typer.Option(help="Give up after so many seconds.", metavar="SECONDS", min=0)
    ] = None,
    icount: InstructionsOption = False,
    benchmark: BenchmarkOption = Benchmark.OFF,
    complaints: ComplaintsOption = Complaints.ONCE,
    dump: DumpOption = None,
) -> None:
    """Compile a user program, and run it as the initial thread."""
    if file.is_dir():
        raise UsageError(f"{file} is a directory", "name a program in metal Python (.py) or C (.c)")
    if file.suffix not in LANGUAGES:
        raise UsageError(
            f"{file} is neither metal Python (.py) nor C (.c)", f"for an ELF: pith boot --initial {file}"
        )
    check_readable(file, "a program in metal Python (.py) or C (.c)")
    chosen = choose_machine(machine, wants_pdb=False, wants_gdb=False)
    with saying(f"compiling {file.name}"):
        program = build(file)
    start(
        BootOrder(
            chosen,
            program,
            checked_memory(memory),
            icount=icount,
            timeout=timeout,
            benchmark=benchmark,
            complaints=complaints,
            dump=dump,
        )
    )


def build(file: Path) -> Path:
    from pith.system.components import build_program, expect_debugging

    expect_debugging(True)
    return build_program(file)
