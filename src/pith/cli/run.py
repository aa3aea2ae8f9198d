"""`pith run`: compile user programs, in metal Python or in C, and start the first as the initial thread."""

from pathlib import Path
from typing import Annotated

import typer

from pith.cli.boot import (
    BenchmarkOption,
    ComplaintsOption,
    DebugOption,
    DumpOption,
    FirmwareOption,
    GdbOption,
    InstructionsOption,
    MachineOption,
    MemoryOption,
    PdbOption,
    TimeoutOption,
    checked_call,
    checked_memory,
    choose_machine,
    refuse_empty_options,
)
from pith.cli.programs import FilesArgument, StackOption, build_elf, check_files, checked_stack
from pith.cli.start import Benchmark, BootOrder, Complaints, start


def run_programs(
    files: FilesArgument,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Keep the ELF in this file.", metavar="ELF", show_default=False),
    ] = None,
    machine: MachineOption = None,
    pdb: PdbOption = None,
    gdb: GdbOption = False,
    memory: MemoryOption = "128M",
    stack: StackOption = None,
    icount: InstructionsOption = False,
    timeout: TimeoutOption = None,
    debug: DebugOption = True,
    benchmark: BenchmarkOption = Benchmark.OFF,
    complaints: ComplaintsOption = None,
    dump: DumpOption = None,
    firmware: FirmwareOption = False,
) -> None:
    """Compile user programs, and run the first as the initial thread, which can start the others."""
    check_files(files)
    refuse_empty_options(
        machine, icount=icount, checked=False, debug=debug, complaints=complaints, firmware=firmware
    )
    chosen = choose_machine(machine, wants_pdb=pdb is not None, wants_gdb=gdb)
    order = BootOrder(
        machine=chosen,
        initial=None,
        command=" ".join(["pith run", *map(str, files)]),
        memory=checked_memory(memory, chosen),
        pdb=None if pdb is None else checked_call(pdb),
        gdb=gdb,
        icount=icount,
        timeout=timeout,
        debug=debug,
        benchmark=benchmark,
        complaints=complaints or Complaints.ONCE,
        dump=dump,
        firmware=firmware,
        components=tuple(files[1:]),
    )
    start(order._replace(initial=build_elf(files, output, debug=debug, stack=checked_stack(stack))))
