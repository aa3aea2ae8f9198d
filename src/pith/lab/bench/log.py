"""Every instruction of a sample, as QEMU executed it.

The program waits for a key before its first sample. Then QEMU is told to translate one instruction at a time and to log each, and
the key is pressed. In the log, a sample lies between the program's functions `sample_begins` and `sample_ends`,
and a stretch between two of its `rdinstret`, if the kernel ran there.

An instruction that faulted stands in the log and did not retire; nor did one that QEMU gave up, to look for
interrupts or to access a device, and then logs again. Both are taken out. What is left is what the counter counts.

If asked to, QEMU also logs the registers as each instruction finds them. That tells which address a load or a store accesses,
and in which address space.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from pith import UserError
from pith.machine.elf import Elf
from pith.machine.elf import read as read_elf
from pith.machine.interface import DEFAULT_MEMORY
from pith.machine.qemu import QemuMachine

from .building import build_image, build_program
from .kernels import Kernel
from .measuring import END, SECONDS, Samples, parse
from .rows import Row
from .symbols import Symbols

EXECUTED: Final = re.compile(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/([0-9a-f]+)/")
GIVEN_UP: Final = ("Stopped execution of TB chain before", "cpu_io_recompile: rewound execution of TB")
TRAPPED: Final = re.compile(r"riscv_cpu_do_interrupt: hart:0, async:(\d), cause:([0-9a-f]+)")
WAIT: Final = "bench waits"
REGISTER: Final = re.compile(r"x\d+/\S+ +([0-9a-f]{16})")
ADDRESS_SPACE: Final = " satp "
STATE: Final = (" x", ADDRESS_SPACE)
PRIVILEGE_MASK: Final = 3  # of the flags that QEMU logs with an instruction
CALLS_FROM_BELOW: Final = range(8, 12)  # causes: an ecall retires although it traps
RDINSTRET, RDINSTRET_MASK = 0xC020_2073, 0xFFFF_F07F  # any destination
KEPT_SAMPLES: Final = 2  # no row looks further back


class Privilege(IntEnum):
    """Who executes an instruction."""

    USER = 0
    KERNEL = 1
    FIRMWARE = 3


class Step(NamedTuple):
    """An instruction that retired, and the lines of the log that show the registers before it, if they were logged."""

    address: int
    privilege: Privilege
    state: tuple[str, ...] = ()

    @property
    def registers(self) -> list[int]:
        """x0 to x31."""
        return [int(value, 16) for line in self.state for value in REGISTER.findall(line)]

    @property
    def space(self) -> int:
        """The register satp: which address space it is, and where its page table stands."""
        [line] = [line for line in self.state if line.startswith(ADDRESS_SPACE)]
        return int(line.split()[1], 16)


class Trace(NamedTuple):
    """A row's instructions in the order in which they retired, and what the counter made of them."""

    row: Row
    steps: list[Step]
    counted: int


AtEnd = Callable[[QemuMachine], None]


def record(
    kernel: Kernel,
    row: Row,
    *,
    registers: bool = False,
    at_end: AtEnd | None = None,
    memory: int = DEFAULT_MEMORY,
) -> Trace:
    """Run the row's scenario, and cut its last sample out of QEMU's log; `at_end` sees the machine then."""
    found, samples = record_samples(
        kernel, row.scenario, registers=registers, at_end=at_end, whole=row.is_loop, memory=memory
    )
    if len(found) < -row.sample:
        raise incomplete(row.name)
    if row.is_loop:
        steps = [step for sample in found[row.sample :] for step in sample]
        return Trace(row, steps, samples[row.name][-1])
    sample = found[row.sample]
    return Trace(row, chosen(row, sample, cut_stretches(sample, program_stamps())), samples[row.name][-1])


def record_samples(
    kernel: Kernel,
    scenario: str,
    *,
    registers: bool = False,
    at_end: AtEnd | None = None,
    whole: bool = False,
    memory: int = DEFAULT_MEMORY,
) -> tuple[list[list[Step]], Samples]:
    """Run a scenario; return its last samples, instruction by instruction, and what the program printed.

    With `whole`, a sample goes on until the next begins.
    """
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
        log = Path(directory, "log")
        samples = run_logged(kernel, scenario, Path(directory), log, registers, at_end, memory)
        with open(log, encoding="ascii", errors="replace") as lines:
            return cut_samples(retired(lines), Symbols(build_program()), whole), samples


def incomplete(name: str) -> UserError:
    return UserError(f"the log of {name} does not show all of it", "use QEMU 7.2 or a later one")


def run_logged(
    kernel: Kernel,
    scenario: str,
    directory: Path,
    log: Path,
    registers: bool,
    at_end: AtEnd | None,
    memory: int,
) -> Samples:
    logged = "exec,nochain,int,cpu" if registers else "exec,nochain,int"
    image = build_image(kernel.elf, [scenario], directory, awaited=True)
    with QemuMachine(image, icount=True, memory=memory) as machine:
        machine.run(WAIT, seconds=SECONDS)
        one_instruction_at_a_time(machine)
        tell(machine, f"logfile {log}", f"log {logged}")
        machine.send("\n")
        ending = machine.run(END.strip(), seconds=SECONDS)
        if at_end is not None:
            at_end(machine)
        return parse(kernel.name, machine.output, ending)


def one_instruction_at_a_time(machine: QemuMachine) -> None:
    """Let QEMU translate single instructions, so that it logs each."""
    # The one is what the other is called since QEMU 8.1; each version ignores the name that it does not know.
    tell(machine, "singlestep on", "one-insn-per-tb on")


def tell(machine: QemuMachine, *orders: str) -> None:
    """Type orders at QEMU's monitor for people."""
    for order in orders:
        machine.monitor.execute("human-monitor-command", **{"command-line": order})


def retired(lines: Iterable[str]) -> Iterator[Step]:
    """The instructions of a log that retired."""
    last: Step | None = None
    state: list[str] = []
    for line in lines:
        if line.startswith(STATE):
            state.append(line)
        elif match := EXECUTED.match(line):
            if last is not None:
                yield last._replace(state=tuple(state))
            last = Step(int(match[1], 16), Privilege(int(match[2], 16) & PRIVILEGE_MASK))
            state = []
        elif line.startswith(GIVEN_UP) or is_fault(line):
            last = None
    if last is not None:
        yield last._replace(state=tuple(state))


def is_fault(line: str) -> bool:
    """The line says that the instruction before it was given up."""
    match = TRAPPED.match(line)
    return match is not None and match[1] == "0" and int(match[2], 16) not in CALLS_FROM_BELOW


def cut_samples(steps: Iterable[Step], program: Symbols, whole: bool = False) -> list[list[Step]]:
    """The last samples of a run, from one mark to the other; with `whole`, from the first mark to where it comes again."""
    begins, ends = program.address_of("sample_begins"), program.address_of("sample_ends")
    samples: list[list[Step]] = []
    current: list[Step] | None = None
    for step in steps:
        place = step[:2]
        if place == ((begins if whole else ends), Privilege.USER) and current is not None:
            samples = [*samples, current][-KEPT_SAMPLES:]
            current = None
        if place == (begins, Privilege.USER):
            current = []
        if current is not None:
            current.append(step)
    return samples


def stamp_addresses(program: Elf) -> set[int]:
    """Where the program reads the instruction counter."""
    found = set()
    for segment in program.segments:
        for at in range(0, len(segment.data) - 3, 2):
            if int.from_bytes(segment.data[at : at + 4], "little") & RDINSTRET_MASK == RDINSTRET:
                found.add(segment.virtual + at)
    return found


def program_stamps() -> set[int]:
    """Where the benchmark's program reads the instruction counter, but for the stamp that begins a sample: no stretch begins there."""
    program = build_program()
    symbols = Symbols(program)
    return {at for at in stamp_addresses(read_elf(program)) if symbols.function(at) != "sample_begins"}


def cut_stretches(sample: list[Step], stamps: set[int]) -> list[range]:
    """Where in a sample the instructions between two stamps lie, for each two with the kernel between them."""
    at = [i for i, step in enumerate(sample) if step.privilege is Privilege.USER and step.address in stamps]
    between = [range(earlier + 1, later) for earlier, later in pairwise(at)]
    return [part for part in between if any(sample[i].privilege is not Privilege.USER for i in part)]


def chosen(row: Row, sample: list[Step], stretches: list[range]) -> list[Step]:
    """The row's own instructions of a sample."""
    if max(row.stretches) >= len(stretches):
        raise incomplete(row.name)
    parts = [stretches[number] for number in row.stretches]
    if row.with_user:
        parts = [range(parts[0].start, parts[-1].stop)]
    return [sample[i] for part in parts for i in part]
