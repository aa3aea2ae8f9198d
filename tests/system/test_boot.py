"""Booting a small initial thread on both machines; boots that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pith.machine import Ending, Machine, board, device_tree, elf
from pith.machine.device_tree import Node
from pith.machine.elf import Segment
from pith.machine.hosted import HostedMachine
from pith.machine.qemu import QemuMachine
from pith.metal.compiler.link import KERNEL, assemble, link
from pith.metal.compiler.zig import ToolError
from pith.system import image
from pith.system.assembler import machine_code
from pith.system.kernel import LINKER_SCRIPT, build_kernel
from tests.patience import ENOUGH

PUT_CHAR, HALT, YIELD = -12, -14, -11
MEMORY = 64 << 20

Start = Callable[..., Machine]


def say(text: str) -> str:
    """Assembly that prints `text` through a debug call."""
    return "".join(f"li a0, {ord(letter)}\nli a7, {PUT_CHAR}\necall\n" for letter in text)


def write_program(path: Path, text: str) -> Path:
    code = machine_code(text)
    part = Segment(0x10000, 0x10000, code, len(code) + 0x2000)
    path.write_bytes(elf.write(0x10000, [part], part._replace(size=0)))
    return path


def test_an_initial_thread_prints_and_halts(start: Start, tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello.elf", say("Hello, world\n") + f"li a7, {HALT}\necall")
    machine = start(program)
    machine.wait_for("Hello, world\r\n")
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
    assert machine.exit_status == 0


def test_the_initial_thread_begins_as_the_abi_says(start: Start, tmp_path: Path) -> None:
    """It gets the bootinfo's address, and every other register is zero; it may use floating point."""
    zero = "".join(
        f"or t0, t0, {register}\n" for register in ("ra", "sp", "gp", "tp", "s0", "a1", "a7", "t6")
    )
    text = f"{zero}bnez t0, 1f\nfcvt.d.l fa0, a0\nfcvt.l.d a1, fa0\nbne a0, a1, 1f\n"
    text += "ld a2, 16(a0)\nli a3, 1\nbne a2, a3, 1f\n"  # one node, says the bootinfo
    text += f"{say('good!!')}2: j 2b\n1: {say('bad!!')}j 2b"
    assert start(write_program(tmp_path / "begin.elf", text)).wait_for("!!").endswith("good!!")


def test_a_fault_without_a_handler_is_told(start: Start, tmp_path: Path) -> None:
    machine = start(write_program(tmp_path / "fault.elf", f"{say('now ')}li a0, 0x123000\nld a0, (a0)"))
    machine.wait_for("0x123000")
    assert "now " in machine.output


def test_the_timer_ends_a_time_slice_and_the_thread_goes_on(start: Start, tmp_path: Path) -> None:
    """Twenty milliseconds are four time slices; the registers live through them."""
    wait = "rdtime s0\nli s2, 200000\nadd s1, s0, s2\n1: addi s3, s3, 1\nrdtime t0\nbltu t0, s1, 1b\n"
    text = f"{wait}bnez s3, 2f\n{say('never')}\n2: {say('still here')}3: j 3b"
    start(write_program(tmp_path / "slices.elf", text)).wait_for("still here")


def test_every_register_lives_through_the_kernel(start: Start, tmp_path: Path) -> None:
    """Through a system call, which changes none, and through the end of a time slice, at which x31 counts down."""
    values = {f"x{number}": 7 * number + 1 for number in range(1, 31)} | {"x17": YIELD, "x31": 0}
    text = "".join(f"li {register}, {value}\n" for register, value in values.items())
    text += "ecall\nli x31, 3000000\n1: addi x31, x31, -1\nbnez x31, 1b\n"
    text += "".join(
        f"addi {register}, {register}, {-value}\nbnez {register}, 1f\n" for register, value in values.items()
    )
    text += f"{say('good!!')}2: j 2b\n1: {say('bad!!')}j 2b"
    assert start(write_program(tmp_path / "registers.elf", text)).wait_for("!!").endswith("good!!")


@pytest.mark.qemu
def test_no_thread_has_vectors_for_nobody_saves_them(tmp_path: Path) -> None:
    """On a processor that has them, whose firmware leaves them on."""
    text = f"{say('now ')}li t0, 4\n.word 0x0c02f057\n{say('went on')}li a7, {HALT}\necall"  # vsetvli x0, t0, e8, m1, ta, ma
    built = image.build(tmp_path / "image.elf", write_program(tmp_path / "vectors.elf", text), build_kernel())
    with QemuMachine(built, memory=MEMORY, icount=True, cpu="rv64,v=true") as machine:
        assert "now " in machine.wait_for("no fault handler")


@pytest.mark.slow
@pytest.mark.parametrize(("program", "bits"), [("mv a0, zero", 12), ("li a0, 1", 20)])
def test_two_boots_of_the_hosted_machine_are_the_same(tmp_path: Path, program: str, bits: int) -> None:
    """To the instruction, and to the last byte of the kernel's memory."""
    text = f"{program}\nli a7, {YIELD}\n1: ecall\naddi s0, s0, 1\nli t0, {1 << bits - 8}\nblt s0, t0, 1b\n{say('.')}2: j 2b"
    built = image.build(tmp_path / "image.elf", write_program(tmp_path / "yields.elf", text), None)
    seen = []
    for _ in range(2):
        with HostedMachine(built, memory=MEMORY) as machine:
            machine.wait_for(".")
            seen.append((machine.instructions, machine.read_memory(board.KERNEL_PHYSICAL, 0x40_0000)))
    assert seen[0] == seen[1]


# Boots that cannot be -----------------------------------------------------------------------------------------


def without(path: str, name: str | None = None) -> bytes:
    """The board's device tree without a node, or without one of a node's properties."""
    tree = device_tree.virt(MEMORY)
    if name is not None:
        del tree.find(path).properties[name]
    else:
        parent_path, _, child = path.rpartition("/")
        parent = tree.find(parent_path) if parent_path else tree
        parent.children = [node for node in parent.children if node.name != child]
    return device_tree.flatten(tree)


TREES = {
    "no memory": (without("memory@80000000"), "no memory node"),
    "no timebase": (without("cpus", "timebase-frequency"), "no timebase-frequency in /cpus"),
    "no interrupt controller": (without("soc/plic@c000000"), "no interrupt controller"),
    "no context": (without("soc/plic@c000000", "interrupts-extended"), "reaches no supervisor mode"),
    "no tree": (bytes(64), "there is none"),
    "wrong length": (
        device_tree.flatten(Node(""))[:4] + b"\0\1\0\0" + bytes(56),
        "longer than the loader says",
    ),
}


@pytest.mark.parametrize("case", TREES)
def test_a_device_tree_without_what_the_kernel_needs(tmp_path: Path, case: str) -> None:
    tree, complaint = TREES[case]
    built = image.build(tmp_path / "image.elf", write_program(tmp_path / "p.elf", "nop"), None)
    with HostedMachine(built, memory=MEMORY, tree=tree) as machine:
        assert machine.run(seconds=ENOUGH) is Ending.EXIT
        assert machine.exit_status == 1
        assert "kernel panic at " in machine.output and complaint in machine.output
        assert "device_tree.py:" in machine.output


@pytest.mark.qemu
def test_qemu_tells_a_panic_as_the_hosted_machine_does(tmp_path: Path) -> None:
    tree, complaint = TREES["no interrupt controller"]
    built = image.build(tmp_path / "image.elf", write_program(tmp_path / "p.elf", "nop"), build_kernel())
    with QemuMachine(built, memory=MEMORY, tree=tree) as machine:
        assert machine.run(seconds=ENOUGH) is Ending.EXIT
        assert machine.exit_status == 1
        assert "kernel panic at " in machine.output and complaint in machine.output
        assert "device_tree.py:" in machine.output


def test_no_code_but_boots_own_refers_to_boots(tmp_path: Path) -> None:
    """For its memory is given away. The linker looks for that; here, that it does."""
    refers = ".section .text.later\nlater: call pith.kernel.boot._give\n.globl later\n"
    called = (
        ".section .text.pith.kernel.boot._give\n.globl pith.kernel.boot._give\npith.kernel.boot._give: ret\n"
    )
    entry = ".section .text.pith_entry\n.globl pith_entry\npith_entry: call later\n"
    assemble(refers + called + entry, tmp_path / "program.o", KERNEL)
    with pytest.raises(ToolError, match=r"prohibited cross reference.*_give"):
        link([tmp_path / "program.o"], tmp_path / "kernel.elf", LINKER_SCRIPT, KERNEL)
