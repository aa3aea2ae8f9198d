"""From a boot order to a running machine; `ends.py` says what becomes of its end."""

from __future__ import annotations

import bdb
import contextlib
import shlex
import socket
import sys
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import typer
from rich.console import Console

from pith import UserError
from pith.cli.arguments import check_writable
from pith.cli.ends import WAYS, Run, Way, conclude
from pith.lab import gdb_commands_file
from pith.machine import BootImage, Machine
from pith.machine.terminal import Left, Terminal, show

GDB_PORT: Final = 1234


class MachineName(StrEnum):
    HOSTED = "hosted"
    QEMU = "qemu"


class Benchmark(StrEnum):
    """What a kernel measures of itself; the values' order is that of `pith.kernel.benchmark`'s modes."""

    OFF = "off"
    ENTRIES = "entries"
    UTILISATION = "utilisation"


class Complaints(StrEnum):
    """Which failed invocations a kernel tells of; the values' order is that of `pith.kernel.debug`'s levels."""

    SILENT = "silent"
    ONCE = "once"
    ALL = "all"


class BootOrder(NamedTuple):
    """What to start, and how: options that were checked, and make sense together."""

    machine: MachineName
    initial: Path | None  # the demonstration, if none
    command: str  # how the user named the programs: what a message may tell to type again
    memory: int
    pdb: str | None = None
    gdb: bool = False
    icount: bool = False
    timeout: float | None = None
    checked: bool = False
    debug: bool = True
    benchmark: Benchmark = Benchmark.OFF
    complaints: Complaints = Complaints.ONCE
    dump: Path | None = None
    domains: int = 1
    root_cnode_bits: int = 13
    firmware: bool = False
    components: tuple[Path, ...] = ()  # the source files of the programs that `initial` carries


def start(order: BootOrder) -> None:
    """Build what is to be booted, boot it, and exit with the machine's status."""
    if order.dump is not None:
        check_writable(order.dump)
    with tempfile.TemporaryDirectory(prefix="pith-boot-") as directory, contextlib.ExitStack() as stack:
        image, symbols = build(order, Path(directory, "image.elf"))
        programs = elves(order)
        terminal = stack.enter_context(Terminal()) if has_input() else None
        machine = stack.enter_context(make_machine(order, image, terminal, symbols))
        if terminal is not None and terminal.is_terminal:
            terminal.around_suspension = machine.paused
            greet(order)
        way = run(machine, order)
        if order.dump is not None and way is not Way.KILLED:
            write_dump(order.dump, machine, symbols)
        ran = Run(machine, programs, symbols[0] if symbols else None, order.command, order.timeout)
        status = conclude(way, ran)
    raise typer.Exit(status)


def greet(order: BootOrder) -> None:
    """Tell a person at a terminal how to leave, and where the program is."""
    program = f"; the program's ELF: {order.initial}" if order.initial else ""
    print(f"pith: {order.machine.value} machine: Ctrl-A X leaves it{program}", file=sys.stderr)


def run(machine: Machine, order: BootOrder) -> Way:
    """Let the machine run to its end."""
    try:
        return WAYS[machine.run(seconds=order.timeout)]
    except (Left, bdb.BdbQuit):
        print()
        return Way.LEFT
    except KeyboardInterrupt:
        print()
        return Way.INTERRUPTED


def elves(order: BootOrder) -> list[Path]:
    """The programs of the system, with their debug information: the components' travel without.

    All have been built already, and are kept; the runtime, which has statics, must not be imported for the first time when a
    machine's memory is attached.
    """
    from pith.system import demo
    from pith.system.components import build_program

    components = order.components if order.initial else tuple(demo.COMPONENTS.values())
    return [order.initial or demo.build_demo(), *map(build_program, components)]


def write_dump(file: Path, machine: Machine, elves: list[Path]) -> None:
    """Write the memory of the machine, which stands still now, to a file for `pith inspect`."""
    from pith.lab.inspect.core_file import write_core
    from pith.lab.inspect.dump import living_symbols, static_symbols

    write_core(file, machine, static_symbols(elves[0]) if elves else living_symbols())
    print(f"\n{file}: the machine's memory; to look into it: pith inspect {file}", file=sys.stderr)


def has_input() -> bool:
    """Whether there is a standard input that a keyboard can be made of."""
    try:
        return sys.stdin.fileno() >= 0
    except (AttributeError, OSError, ValueError):
        return False


# Building ---------------------------------------------------------------------------------------------------


def build(order: BootOrder, output: Path) -> tuple[BootImage, list[Path]]:
    """The boot image, and the ELF files whose symbols a debugger wants. The hosted machine needs no compiled kernel."""
    if order.checked:
        from pith.metal import checked

        checked.install(("pith.kernel",))  # before any of it is imported
    from pith.system import image, kernel

    set_up_kernel(
        debug=order.debug,
        benchmark=order.benchmark,
        domains=order.domains,
        root_cnode_bits=order.root_cnode_bits,
    )
    kernel.set_complaints(list(Complaints).index(order.complaints))
    initial = order.initial or build_demonstration(order.debug)
    compiled = None
    if order.machine is MachineName.QEMU:
        with saying("compiling the kernel"):
            compiled = kernel.build_kernel()
    return image.build(output, initial, compiled), [compiled, initial] if compiled else []


def set_up_kernel(*, debug: bool, benchmark: Benchmark, domains: int, root_cnode_bits: int) -> None:
    """Choose what the kernel is that is built or started next."""
    from pith.system import kernel

    kernel.set_debugging(debug)
    kernel.set_benchmarking(list(Benchmark).index(benchmark))
    kernel.set_domains(domains)
    kernel.set_root_cnode_bits(root_cnode_bits)


def build_demonstration(debug: bool) -> Path:
    from pith.system.components import expect_debugging
    from pith.system.demo import build_demo

    expect_debugging(debug)
    with saying("building the demonstration"):
        return build_demo()


@contextlib.contextmanager
def saying(what: str) -> Iterator[None]:
    """Tell a person at a terminal what takes so long; nothing stays on the screen."""
    with Console(stderr=True).status(f"{what} ..."):
        yield


# Machines ---------------------------------------------------------------------------------------------------


def make_machine(
    order: BootOrder, image: BootImage, terminal: Terminal | None, symbols: list[Path]
) -> Machine:
    if order.machine is MachineName.QEMU:
        return make_qemu(order, image, terminal, symbols)
    from pith.machine import debugger
    from pith.machine.hosted import HostedMachine

    # A debugger whose commands come through a pipe needs all of it.
    is_shared = order.pdb is not None and terminal is not None and not terminal.is_terminal
    machine = HostedMachine(image, memory=order.memory, echo=show, keyboard=None if is_shared else terminal)
    if order.pdb is not None:
        debugger.attach(machine, order.pdb, terminal.lent if terminal else contextlib.nullcontext)
    return machine


def make_qemu(order: BootOrder, image: BootImage, terminal: Terminal | None, symbols: list[Path]) -> Machine:
    from pith.machine.qemu import QemuMachine

    port = free_port() if order.gdb else None
    machine = QemuMachine(
        image,
        memory=order.memory,
        echo=show,
        keyboard=terminal,
        icount=order.icount,
        gdb=port,
        firmware=order.firmware,
    )
    if port is not None:
        print(
            f"waiting for gdb; in another terminal:\n\n  {gdb_command(port, order.memory, *symbols)}\n",
            file=sys.stderr,
        )
    return machine


def free_port() -> int:
    """The usual port, or any other that is free."""
    for port in (GDB_PORT, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise UserError("no port is free for gdb", "end other programs that listen on ports")


def gdb_command(port: int, memory: int, kernel: Path, initial: Path) -> str:
    """Stops at the kernel's first Python. Before that only hardware breakpoints work: translation is off."""
    steps = [f"source {gdb_commands_file()}", f"set pith-memory {memory >> 20}M"]
    if sys.argv[0].endswith("pith"):
        steps.append(f"set pith-command {shlex.quote(str(Path(sys.argv[0]).absolute()))}")
    steps += [f"target remote :{port}", "set confirm off", f'add-symbol-file "{initial}"', "set confirm on"]
    steps += ["hbreak pith_kernel_start", "continue"]
    return shlex.join(["gdb-multiarch", str(kernel), *(part for step in steps for part in ("-ex", step))])
