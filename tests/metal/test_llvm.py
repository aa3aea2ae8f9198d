"""From source to riscv64: exported symbols, assembly functions, machine operations, panics, debug information, the cache."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_RISCV, UC_MODE_RISCV64, Uc
from unicorn.riscv_const import (
    UC_RISCV_REG_A0,
    UC_RISCV_REG_A1,
    UC_RISCV_REG_A2,
    UC_RISCV_REG_RA,
    UC_RISCV_REG_SP,
)

from pith import UserError
from pith.metal.compiler import driver, link, zig
from pith.metal.compiler.link import KERNEL, USER, Target
from pith.metal.compiler.show_part import part
from pith.metal.compiler.zig import ToolError
from tests.metal.generators.source import HEAD

pytestmark = pytest.mark.slow  # each compiles something anew

SCRIPT = """
SECTIONS { . = 0x10000; .text : { KEEP(*(.text.keep*)) KEEP(*(.text .text.*)) } .rodata : { *(.rodata .rodata.* .srodata*) }
.data : { *(.data .data.* .sdata*) } .bss : { *(.bss .bss.* .sbss*) } }
"""
Build = Callable[..., driver.Compiled]


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Compile a module's text: its exported functions."""
    monkeypatch.setenv("PITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    serial = iter(range(100))

    def make(text: str, target: Target = KERNEL, name: str = "") -> driver.Compiled:
        name = name or f"made_{tmp_path.name}_{next(serial)}"
        path = tmp_path / f"{name}.py"
        path.write_text(HEAD + "from pith.metal.machine import *\n" + text)
        module = driver.import_file(path)
        return driver.compile_program(driver.exported_functions(module), target=target)

    return make


def assembly(compiled: driver.Compiled) -> str:
    output = compiled.directory / "shown.s"
    link.compile_llvm(compiled.directory / "program.ll", output, compiled.target, assembly=True)
    return output.read_text()


def body(text: str, symbol: str) -> list[str]:
    """The instructions of a function in assembly text."""
    part = text.split(f"\n{symbol}:", 1)[1].split(".size", 1)[0]
    return [line.strip().split("#")[0].strip() for line in part.splitlines() if re.match(r"\t[a-z]", line)]


def run(elf: Path, symbol: str, *arguments: int, memory: dict[int, bytes] | None = None) -> tuple[int, Uc]:
    """Call a symbol of an ELF under Unicorn; a0 after it."""
    cpu = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
    cpu.mem_map(0x10000, 1 << 20)
    cpu.mem_map(0x400000, 1 << 20)
    with elf.open("rb") as file:
        image = ELFFile(file)
        for segment in image.iter_segments("PT_LOAD"):
            cpu.mem_write(segment["p_vaddr"], segment.data())
        table: Any = image.get_section_by_name(".symtab")
        start = table.get_symbol_by_name(symbol)[0]["st_value"]
    for address, data in (memory or {}).items():
        cpu.mem_write(address, data)
    registers = (UC_RISCV_REG_A0, UC_RISCV_REG_A1, UC_RISCV_REG_A2)
    for register, value in zip(registers, arguments, strict=False):
        cpu.reg_write(register, value)
    cpu.reg_write(UC_RISCV_REG_SP, 0x480000)
    cpu.reg_write(UC_RISCV_REG_RA, 0x4F0000)
    cpu.emu_start(start, 0x4F0000, count=1_000_000)
    return int(cpu.reg_read(UC_RISCV_REG_A0)), cpu


def test_an_exported_function_has_the_c_calling_convention(build: Build) -> None:
    elf = build(
        '@export("twice_if")\ndef f(x: u64, yes: bool) -> u64:\n    return x * 2 if yes else x\n'
    ).link(SCRIPT)
    assert run(elf, "twice_if", 21, 1)[0] == 42
    assert run(elf, "twice_if", 21, 0)[0] == 21


def test_arguments_from_outside_are_checked(build: Build) -> None:
    text = '@export("low")\ndef f(x: u8) -> u64:\n    return x\n\n'
    text += '@export("pith_panic")\ndef p(site: u64, value: u64) -> NoReturn:\n    stopped(value)\n    while True:\n        pass\n'
    text += '\n@assembly("li a7, 1\\nli ra, 0x4f0000\\nret")\ndef stopped(value: u64) -> None: ...\n'
    elf = build("from typing import NoReturn\n" + text).link(SCRIPT)
    assert run(elf, "low", 255)[0] == 255
    assert run(elf, "low", 256)[1].reg_read(UC_RISCV_REG_A0) == 256  # the value, in the panic's hands


def test_an_assembly_function_is_called(build: Build) -> None:
    text = '@assembly("slli a0, a0, 4\\nret")\ndef sixteen(x: u64) -> u64:\n    return x * 16\n\n'
    text += '@export("f")\ndef f(x: u64) -> u64:\n    return sixteen(x) + 1\n'
    assert run(build(text).link(SCRIPT), "f", 3)[0] == 49


def test_the_address_of_a_symbol_of_one_s_own(build: Build) -> None:
    text = "class State(Struct):\n    count: u64\n\n\nstate = static(State)\n\n\n"
    text += '@export("g")\ndef g() -> None:\n    pass\n\n'
    text += '@export("f")\ndef f() -> u64:\n    return static_address("g")\n\n'
    text += (
        '@export("h")\ndef h() -> bool:\n    return static_address("own_address.state") == state.address\n'
    )
    elf = build(text, name="own_address").link(SCRIPT)
    with elf.open("rb") as file:
        (symbol,) = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name("g")
    assert run(elf, "f")[0] == symbol["st_value"]
    assert run(elf, "h")[0] == 1


@pytest.mark.parametrize(
    ("call", "instruction"),
    [
        ('csr_read("sip")', "csrr"),
        ('csr_write("satp", x)', "csrw satp, a0"),
        ('csr_set("sstatus", 2)', "csrsi sstatus, 2"),
        ('csr_clear("sie", x)', "csrc sie, a0"),
        ('csr_read_and_clear("sstatus", x)', "csrrc"),
        ("end_reservation(x)", "sc.d zero, zero, (a0)"),
        ("fence()", "fence"),
        ("fence_instructions()", "fence.i"),
        ("fence_translations()", "sfence.vma"),
        ("fence_translation(x, 7)", "sfence.vma a0, a1"),
        ("fence_address_space(x)", "sfence.vma zero, a0"),
        ("wait_for_interrupt()", "wfi"),
        ("device_load32(x)", "lw zero, 0(a0)"),
        ("device_store8(x, 7)", "sb a1, 0(a0)"),
    ],
)
def test_a_machine_operation_is_its_instruction(build: Build, call: str, instruction: str) -> None:
    shown = body(assembly(build(f'@export("f")\ndef f(x: u64) -> None:\n    {call}\n')), "f")
    plain = [re.sub(r"\s+", " ", line) for line in shown]
    assert any(line.startswith(instruction) for line in plain), plain


def test_firmware_and_kernel_calls_keep_to_their_registers(build: Build) -> None:
    text = '@export("f")\ndef f(x: u64) -> u64:\n    error, value = sbi_call(0x10, 3, x, 0, 0)\n    return error ^ value\n'
    plain = [re.sub(r"\s+", " ", line) for line in body(assembly(build(text)), "f")]
    assert {"li a7, 16", "li a6, 3", "ecall", "xor a0, a0, a1"} <= set(plain)


def test_the_kernel_uses_no_floating_point_and_user_programs_have_its_abi(build: Build) -> None:
    text = '@export("f")\ndef f(x: u64) -> u64:\n    return x\n'
    for target, flags in ((KERNEL, 0x1), (USER, 0x5)):
        with build(text, target).object.open("rb") as file:
            assert ELFFile(file)["e_flags"] == flags


def test_statics_are_zero_and_keep_what_is_stored(build: Build) -> None:
    text = "class State(Struct):\n    count: u64\n\n\nstate = static(State)\n\n\n"
    text += '@export("f")\ndef f(x: u64) -> u64:\n    state.count += x\n    state.count += x\n    return state.count\n'
    assert run(build(text).link(SCRIPT), "f", 4)[0] == 8


@pytest.mark.parametrize("length", [0, 1, 7, 8, 31, 32, 64, 71, 136])
def test_the_memory_functions_of_the_link(build: Build, length: int) -> None:
    elf = build('@export("f")\ndef f(x: u64) -> u64:\n    return x\n').link(SCRIPT, _MOVE)
    data = bytes(range(1, 256))
    for to, source in (
        (0x420000, 0x410000),
        (0x410010, 0x410000),
        (0x410000, 0x410010),
        (0x410003, 0x410000),
    ):
        _, cpu = run(elf, "move", to, source, length, memory={0x410000: data, 0x420000: bytes(256)})
        whole = {0x410000 + i: byte for i, byte in enumerate(data)}
        whole |= {0x420000 + i: 0 for i in range(256)}
        moved = [whole[source + i] for i in range(length)]
        whole |= {to + i: byte for i, byte in enumerate(moved)}
        found = bytes(cpu.mem_read(0x410000, 255)) + bytes(cpu.mem_read(0x420000, 255))
        assert found == bytes(whole[0x410000 + i] for i in range(255)) + bytes(
            whole[0x420000 + i] for i in range(255)
        )
    _, cpu = run(elf, "fill", 0x410000, 0x1FE, length, memory={0x410000: data})
    assert bytes(cpu.mem_read(0x410000, 255)) == b"\xfe" * length + data[length:]


_MOVE = ".section .text.keep\n.globl move, fill\nmove: tail memmove\nfill: tail memset\n"


def test_debug_information_names_lines_locals_and_fields(build: Build) -> None:
    text = "class Node(Struct):\n    key: u32\n    next: Node | None\n\n\n"
    text += '@export("f")\ndef find(node: Node, wanted: u32) -> u64:\n    steps: u64 = node.key\n    return steps ^ wanted\n'
    with build(text).link(SCRIPT).open("rb") as file:
        info = ELFFile(file).get_dwarf_info()
        entries = [d for unit in info.iter_CUs() for d in unit.iter_DIEs()]
    names = {
        (d.tag, d.attributes["DW_AT_name"].value.decode()) for d in entries if "DW_AT_name" in d.attributes
    }
    assert {
        ("DW_TAG_subprogram", "find"), ("DW_TAG_formal_parameter", "wanted"), ("DW_TAG_variable", "steps"),
        ("DW_TAG_structure_type", "Node"), ("DW_TAG_member", "next"), ("DW_TAG_base_type", "u32"),
    } <= names  # fmt: skip


def test_debug_information_of_a_union_names_the_tag_of_each_member(build: Build) -> None:
    text = "class Blank(Packed, bits=64, tag=0, tag_bits=3):\n    pass\n\n\n"
    text += (
        "class Badge(Packed, bits=64, tag=5, tag_bits=3):\n    number: u16\n\n\nEither = Blank | Badge\n\n\n"
    )
    text += "class Holder(Struct):\n    either: Either\n\n\n"
    text += '@export("f")\ndef f(holder: Holder) -> u64:\n    match holder.either:\n'
    text += "        case Badge(number=number):\n            return number\n        case _:\n            return 0\n"
    with build(text).link(SCRIPT).open("rb") as file:
        entries = [d for unit in ELFFile(file).get_dwarf_info().iter_CUs() for d in unit.iter_DIEs()]
    union = next(d for d in entries if d.tag == "DW_TAG_union_type")
    first, *others = [d.attributes["DW_AT_name"].value for d in union.iter_children()]
    assert (first, others) == (b"tag", [b"Blank", b"Badge"])
    tags = {
        d.attributes["DW_AT_name"].value: d.attributes["DW_AT_const_value"].value
        for d in entries
        if d.tag == "DW_TAG_enumerator"
    }
    assert tags == {b"Blank": 0, b"Badge": 5}


def test_a_debugger_sees_no_locals_of_the_compiler_s_own(build: Build) -> None:
    text = '@export("f")\ndef f(x: u64) -> u64:\n    match (x, x + 1 & 3):\n        case (1, w):\n            y = w\n'
    text += "        case (z, _):\n            y = z & 7\n    return y\n"
    with build(text).link(SCRIPT).open("rb") as file:
        entries = [d for unit in ELFFile(file).get_dwarf_info().iter_CUs() for d in unit.iter_DIEs()]
    locals_ = {
        d.attributes["DW_AT_name"].value.decode()
        for d in entries
        if d.tag in ("DW_TAG_variable", "DW_TAG_formal_parameter")
    }
    assert {"x", "y", "z"} <= locals_ and all(map(str.isidentifier, locals_))


def test_division_of_128_bits_needs_no_library(build: Build) -> None:
    text = '@export("f")\ndef f(x: u64, y: u64) -> u64:\n    return x * y // 1000003 & MASK64\n'
    big = (1 << 63) + 12345
    assert run(build(text).link(SCRIPT), "f", big, big)[0] == big * big // 1000003 & (1 << 64) - 1


def test_what_was_compiled_is_kept_until_a_source_changes(build: Build, tmp_path: Path) -> None:
    text = '@export("f")\ndef f(x: u64) -> u64:\n    return x + LIMIT\n'
    first = build(f"LIMIT = 3\n{text}", name="kept_one")
    module = driver.import_file(tmp_path / "kept_one.py")
    again = driver.compile_program(driver.exported_functions(module))
    assert not first.cached and again.cached and again.directory == first.directory
    module.LIMIT = 4  # type: ignore[attr-defined]
    assert not driver.compile_program(driver.exported_functions(module)).cached


def test_every_stage_can_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "shown_stages.py"
    path.write_text(HEAD + "\n\ndef double(x: u32) -> u64:\n    return x + x\n")
    shown = {stage: driver.show_file(path, stage) for stage in driver.STAGES}
    assert "def shown_stages.double(x: u32) -> u64\n" in shown["tree"]
    assert "function @shown_stages.double" in shown["ir"]
    assert "define internal fastcc" in shown["llvm"]
    assert body(shown["asm"], "shown_stages.double") == ["slli\ta0, a0, 1", "ret"]


def test_a_name_that_is_not_there_is_answered_with_near_ones_each_once() -> None:
    text = "".join(f"def {module}.second(x: u64) -> u64\n    return x\n" for module in "abc")
    with pytest.raises(UserError) as caught:
        part(text, "tree", "secnd")
    named = caught.value.remedy.removeprefix("one of ").split(", ")
    assert named[0] == "second" and len(named) == len(set(named)) == 3


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho /usr/bin/python: No module named ziglang >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(zig.sys, "executable", str(python))
    source = tmp_path / "x.ll"
    source.write_text("")
    with pytest.raises(UserError, match="ziglang") as caught:
        link.compile_llvm(source, tmp_path / "x.o", KERNEL)
    assert caught.value.remedy == "make set-up"


def test_clangs_complaint_is_passed_on(tmp_path: Path) -> None:
    source = tmp_path / "x.ll"
    source.write_text("this is no LLVM")
    with pytest.raises(ToolError, match="expected top-level entity"):
        link.compile_llvm(source, tmp_path / "x.o", KERNEL)


OUTERMOST = """
from typing import NoReturn

@export("keep_leave")
@assembly("li a7, 3")
def leave(number: u64) -> NoReturn:
    raise NotImplementedError

@noinline
def step(number: u64) -> u64:
    csr_write("sscratch", number)
    return csr_read("scause") ^ number

@export("keep_enter")
@outermost
def enter() -> NoReturn:
{body}
"""


def test_an_outermost_function_keeps_nobody_s_registers(build: Build) -> None:
    numbers = range(8)
    lines = [f"    n{i} = csr_read('satp')" for i in numbers]
    lines += [f"    m{i} = step(n{i})" for i in numbers]
    lines += ["    leave(" + " ^ ".join(f"n{i} ^ m{i}" for i in numbers) + ")"]
    code = body(assembly(build(OUTERMOST.format(body="\n".join(lines)))), "keep_enter")
    assert not any(re.match(r"addi\s+sp|sd\s+(ra|s\d+)", line) for line in code)
    assert code[-1].split() == ["tail", "keep_leave"]


def test_checks_that_fail_and_cold_calls_stand_behind_the_rest_of_an_outermost_function(build: Build) -> None:
    text = OUTERMOST.replace("@noinline\ndef step", "@cold\ndef step").format(
        body="""    number = csr_read('satp')
    small: u8 = number
    leave(step(number) if small == 7 else number)"""
    )
    code = body(assembly(build("from pith.metal import cold\n" + text)), "keep_enter")
    first = next(index for index, line in enumerate(code) if line.split()[-1] == "keep_leave")
    behind = [line.split()[-1] for line in code[first + 1 :] if line.startswith(("call", "tail"))]
    assert "pith_panic" in behind and any(name.endswith("step") for name in behind)
    assert not any(line.startswith("call") for line in code[:first])


def test_what_a_trap_sets_is_read_where_it_is_wanted(build: Build) -> None:
    text = """
@export("keep_seen")
def seen(a: u64) -> u64:
    cause = csr_read("scause")
    return csr_read("scause") ^ csr_read("sip") if a else 0
"""
    code = body(assembly(build(text)), "keep_seen")
    assert sum("scause" in line for line in code) == 1  # once, and not for the value that nobody looks at
    assert sum("sip" in line for line in code) == 1


def test_a_reference_that_is_one_is_not_asked_whether_it_is(build: Build) -> None:
    """Although it goes through a function whose result may be None."""
    text = """
class Row(Struct):
    words: Array[u64] = array(8)

rows = static(Row)

@inline
def there(row: Row, index: u64) -> Row:
    return Row.at(row.address + 64 * (index & 3))

@inline
def find(row: Row, index: u64) -> Row | None:
    return there(row, index) if index < 4 else None

@export("keep_look")
def look(index: u64) -> u64:
    row = find(rows, index)
    return 9 if row is None else row.words[0]
"""
    code = body(assembly(build(text)), "keep_look")
    assert not any(line.startswith(("beqz", "bnez")) for line in code)


def test_an_outermost_function_s_frame_has_a_limit(build: Build) -> None:
    numbers = range(60)
    lines = [f"    n{i} = csr_read('satp')" for i in numbers]
    lines += ["    leave(" + " ^ ".join(f"step(n{i})" for i in numbers) + ")"]
    with pytest.raises(ToolError, match="exceeds limit"):
        build(OUTERMOST.format(body="\n".join(lines)))


def test_a_cold_function_keeps_its_caller_s_registers(build: Build) -> None:
    text = """
from pith.metal import {decorator}

@{decorator}
def seldom(number: u64) -> None:
    csr_write("sscratch", number)
    csr_write("sepc", csr_read("scause") * 3 ^ number)

@export("keep_often")
def often(a: u64, b: u64, c: u64) -> u64:
    if a == 0:
        seldom(b)
    return (a ^ b ^ c) & 255
"""
    stored = [
        sum(line.startswith("sd\t") for line in body(assembly(build(text.format(decorator=d))), "keep_often"))
        for d in ("cold", "noinline")
    ]
    assert stored[0] < stored[1]


def test_what_a_panic_does_may_panic(build: Build) -> None:
    """So its functions call one another in a circle, and keep their callers' registers: nobody knows all that they change."""
    text = "class Log(Struct):\n    bytes: Array[u8] = array(8)\n\n\nlog = static(Log)\n\n\n"
    text += "def put(at: u64) -> None:\n    log.bytes[at] = 1\n\n"
    text += "def twice(x: u64) -> u64:\n    return x * 2 & 7\n\n"
    text += '@export("pith_panic")\ndef p(site: u64, value: u64) -> None:\n    put(value)\n\n'
    text += '@export("f")\ndef f(x: u64) -> u64:\n    put(x)\n    return twice(x)\n'
    lines = (build(text).directory / "program.ll").read_text().splitlines()
    (put,), (twice,) = (
        [x for x in lines if x.startswith("define") and f'.{n}"(' in x] for n in ("put", "twice")
    )
    assert "norecurse" not in put and "norecurse" in twice


def test_a_cold_function_s_result_arrives(build: Build) -> None:
    text = """
from pith.metal import cold

@cold
def seldom(number: u64) -> u64:
    return number ^ 5

@export("keep_often")
def often(a: u64) -> u64:
    return seldom(a)
"""
    assert run(build(text).link(SCRIPT), "keep_often", 3)[0] == 6
