"""`pith boot`: start the demonstration system, or an initial thread of your own, on one of the two machines.

This file turns options into a `BootOrder` and refuses what cannot be had, in words; `start.py` does the rest.
"""

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from pith import UserError
from pith.cli.arguments import check_readable, parse_size
from pith.cli.errors import UsageError
from pith.cli.host import find_qemu
from pith.cli.kernel import DomainsOption, RootCNodeOption
from pith.cli.start import Benchmark, BootOrder, Complaints, MachineName, start

ANY_CALL = "any"
FAULT = "fault"
SMALLEST_MEMORY = 16 * 2**20
LARGEST_MEMORY = 64 * 2**30
LARGEST_HOSTED_MEMORY = 8 * 2**30
LANGUAGES = (".py", ".c")

InstructionsOption = Annotated[
    bool,
    typer.Option(
        "--icount",
        help="Count instructions as time: the same run every time. The hosted machine always does.",
    ),
]
BenchmarkOption = Annotated[
    Benchmark,
    typer.Option(help="Benchmark calls, and what the kernel measures for them: its entries, or who uses it."),
]
ComplaintsOption = Annotated[
    Complaints | None,
    typer.Option(
        help="Which failed invocations a debug kernel tells of: none, each mistake once (this, if nothing is said), or all, "
        "expected ones too.",
        show_default=False,
    ),
]
DumpOption = Annotated[
    Path | None,
    typer.Option(
        help="Write the machine's memory to this file when you leave it (Ctrl-A X) or --timeout is over: "
        "for `pith inspect`.",
        metavar="FILE",
        show_default=False,
    ),
]


MachineOption = Annotated[
    MachineName | None,
    typer.Option(help="Where to run: QEMU if it can be used, else the hosted machine.", show_default=False),
]
MemoryOption = Annotated[str, typer.Option(help="The machine's memory.", metavar="SIZE")]
TimeoutOption = Annotated[
    float | None, typer.Option(help="Give up after so many seconds.", metavar="SECONDS", min=0)
]
PdbOption = Annotated[
    str | None,
    typer.Option(
        help="Stop in pdb inside the kernel, at each such system call (Call, Send, DebugPutChar, ...) or at "
        "each `fault`; without a name, at the first call of any. Hosted machine only.",
        metavar="[SYSCALL]",
    ),
]
GdbOption = Annotated[
    bool, typer.Option("--gdb", help="Wait for gdb before the first instruction. QEMU only.")
]
DebugOption = Annotated[
    bool,
    typer.Option("--debug/--release", help="A kernel with debug calls and checks, or the fast one."),
]
FirmwareOption = Annotated[
    bool,
    typer.Option("--firmware", help="Show what the firmware (OpenSBI) prints before the kernel. QEMU only."),
]


def boot(
    machine: MachineOption = None,
    initial: Annotated[
        Path | None,
        typer.Option(
            help="An ELF to start as the initial thread, in place of the demonstration.", metavar="ELF"
        ),
    ] = None,
    pdb: PdbOption = None,
    gdb: GdbOption = False,
    memory: MemoryOption = "128M",
    icount: InstructionsOption = False,
    timeout: TimeoutOption = None,
    checked: Annotated[
        bool,
        typer.Option(
            "--checked",
            help="Stop, as the compiled kernel does, where a value does not fit its integer type. "
            "Hosted machine; QEMU's kernel always checks.",
        ),
    ] = False,
    debug: DebugOption = True,
    benchmark: BenchmarkOption = Benchmark.OFF,
    complaints: ComplaintsOption = None,
    dump: DumpOption = None,
    domains: DomainsOption = 1,
    root_cnode_bits: RootCNodeOption = 13,
    firmware: FirmwareOption = False,
) -> None:
    """Boot the demonstration system, or an ELF of your own, on one of the two machines."""
    if initial is not None:
        check_readable(initial, "an ELF file that was built for riscv64")
        if initial.suffix in LANGUAGES:
            raise UsageError(f"{initial} is the source of a program, not its ELF", f"pith run {initial}")
    refuse_empty_options(
        machine, icount=icount, checked=checked, debug=debug, complaints=complaints, firmware=firmware
    )
    chosen = choose_machine(machine, wants_pdb=pdb is not None, wants_gdb=gdb)
    order = BootOrder(
        machine=chosen,
        initial=initial,
        command=f"pith boot --initial {initial}" if initial else "pith boot",
        memory=checked_memory(memory, chosen),
        pdb=None if pdb is None else checked_call(pdb),
        gdb=gdb,
        icount=icount,
        timeout=timeout,
        checked=checked,
        debug=debug,
        benchmark=benchmark,
        complaints=complaints or Complaints.ONCE,
        dump=dump,
        domains=domains,
        root_cnode_bits=root_cnode_bits,
        firmware=firmware,
    )
    start(order)


def choose_machine(asked: MachineName | None, *, wants_pdb: bool, wants_gdb: bool) -> MachineName:
    """The machine that was asked for; else the one that the debugger needs; else QEMU where it can be used."""
    if wants_pdb and wants_gdb:
        raise UsageError(
            "--pdb and --gdb exclude each other", "choose the hosted machine (--pdb) or QEMU (--gdb)"
        )
    if wants_pdb and asked is MachineName.QEMU:
        raise UsageError("--pdb works on the hosted machine only", "--machine hosted, or --gdb on QEMU")
    if wants_gdb and asked is MachineName.HOSTED:
        raise UsageError("--gdb works on QEMU only", "--machine qemu, or --pdb on the hosted machine")
    if asked is MachineName.HOSTED or wants_pdb:
        return MachineName.HOSTED
    qemu = find_qemu()
    if not qemu.complaint:
        return MachineName.QEMU
    if asked is MachineName.QEMU or wants_gdb:
        raise UserError(qemu.complaint, f"{qemu.remedy}; or boot with --machine hosted")
    print(
        f"pith: {qemu.complaint}: booting on the hosted machine\n  for QEMU: {qemu.remedy}", file=sys.stderr
    )
    return MachineName.HOSTED


def refuse_empty_options(
    asked: MachineName | None,
    *,
    icount: bool,
    checked: bool,
    debug: bool,
    complaints: Complaints | None,
    firmware: bool,
) -> None:
    """Raise UsageError for an option that would have no effect beside the others."""
    if complaints not in (None, Complaints.SILENT) and not debug:
        raise UsageError(
            "a release kernel tells of no failed invocations", "leave out --release, or --complaints"
        )
    if icount and asked is MachineName.HOSTED:
        raise UsageError(
            "--icount is for QEMU: the hosted machine always counts instructions", "leave out --icount"
        )
    if firmware and asked is MachineName.HOSTED:
        raise UsageError(
            "--firmware is for QEMU: the hosted machine has none that prints", "leave out --firmware"
        )
    if checked and asked is MachineName.QEMU:
        raise UsageError(
            "--checked is for the hosted machine: QEMU's kernel always checks", "leave out --checked"
        )


def checked_memory(text: str, machine: MachineName = MachineName.QEMU) -> int:
    """The size that --memory names. Raises UsageError for one that the machine cannot have."""
    size = parse_size(text)
    if machine is MachineName.HOSTED and size > LARGEST_HOSTED_MEMORY:
        raise UsageError(
            f"the hosted machine cannot have {text} of memory: its kernel clears memory in Python, seconds for a gigabyte, "
            "and the most is 8G",
            "--memory 8G, or --machine qemu",
        )
    if not SMALLEST_MEMORY <= size <= LARGEST_MEMORY or size % 2**21:
        raise UsageError(
            f"a machine cannot have {text}{' bytes' if text.strip().isdigit() else ''} of memory: the least is 16M, the most 64G, in steps of 2M",
            "--memory 128M",
        )
    return size


def call_names() -> list[str]:
    """The system calls as the manual writes them: `ReplyRecv`, `NBSend`, `DebugPutChar`."""
    from pith.machine.calls import numbers_of_calls

    return list(numbers_of_calls())


def checked_call(name: str) -> str:
    for known in [*call_names(), ANY_CALL, FAULT]:
        if name.lower() == known.lower():
            return known
    known_names = [*call_names(), FAULT]
    near = get_close_matches(name, known_names, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"one of {', '.join(known_names)}"
    raise UsageError(f"there is no system call `{name}`", remedy)


def spell_out_pdb(arguments: list[str]) -> list[str]:
    """Let `--pdb` stand alone: typer knows no option whose value may be left out."""
    spelled = list(arguments)
    for position, argument in enumerate(arguments):
        following = arguments[position + 1 : position + 2]
        if argument == "--pdb" and (not following or following[0].startswith("-")):
            spelled[position] = f"--pdb={ANY_CALL}"
    return spelled
