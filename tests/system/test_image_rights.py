"""What an initial thread may do to its own image: each part has the rights that it needs, and nothing lies below the stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from pith.machine import elf
from pith.system.components import IMAGE_ADDRESS, build_program
from tests.system.conftest import Start

pytestmark = pytest.mark.slow  # each boots a machine

HEAD = """
#include <pith.h>
static volatile unsigned int data[1024] = {0x8082}; // ret
static volatile const unsigned int constant[4] = {0x8082};
static void begin(void) { data[1] = 1; }
"""
IN_C = {
    "small steps": """
static int sum(volatile char *from) { int all = 0; for (int i = 0; i < 1024; i++) all += from[i]; return all; }
__attribute__((noinline)) static int deep(int left)
{
    volatile char local[1024];
    for (int i = 0; i < 1024; i++)
        local[i] = left;
    return left ? 3 * deep(left - 1) + sum(local) : 0;
}
void pith_main(const struct pith_bootinfo *info) { begin(); pith_print_number(deep(info ? 60 : 1)); }
""",
    "one step over everything": """
__attribute__((noinline)) static int wide(unsigned long size)
{
    volatile char local[size];
    local[0] = 1;
    return local[0];
}
void pith_main(const struct pith_bootinfo *info) { begin(); pith_print_number(wide(info ? 1 << 20 : 1)); }
""",
    "writing code": "void pith_main(const struct pith_bootinfo *info)"
    " { (void)info; begin(); *(volatile int *)pith_main = 0; }",
    "writing a constant": "void pith_main(const struct pith_bootinfo *info)"
    " { (void)info; begin(); *(volatile unsigned int *)constant = 0; }",
    "executing data": "void pith_main(const struct pith_bootinfo *info)"
    " { (void)info; begin(); ((void (*)(void))data)(); }",
    "executing the stack": "void pith_main(const struct pith_bootinfo *info)"
    " { (void)info; volatile unsigned int code[2] = {0x8082}; begin(); ((void (*)(void))code)(); }",
}
IN_PYTHON = """
from pith.abi.bootinfo import BootInfo
from pith.metal import export
from pith.metal.machine import static_address, store_u8
from pith.runtime.console import write

@export("pith_main")
def main(info: BootInfo) -> None:
    store_u8(static_address("pith_stack_bottom"), 1)
    write("written\\n")
    store_u8(static_address({}, 1)
    write("and gone on\\n")
"""


@pytest.mark.parametrize("name", IN_C)
def test_what_a_program_in_c_may_not_do_is_a_fault(start: Start, tmp_path: Path, name: str) -> None:
    file = tmp_path / "program.c"
    file.write_text(HEAD + IN_C[name] + "// and nothing else\n")
    program = build_program(file)
    console = start(program).wait_for(": no access to address 0x")
    assert console.count("stops at pc") == 1
    if "step" in name:
        assert elf.read(program).segments[0].virtual == IMAGE_ADDRESS, "the stack is what lies lowest"


@pytest.mark.parametrize(
    "refused", ['"pith_stack_bottom") - 1', '"pith_stack_top")', '"pith_constants")', '"pith_data") - 1']
)
def test_what_a_program_in_metal_python_may_not_do_is_a_fault(
    start: Start, tmp_path: Path, refused: str
) -> None:
    file = tmp_path / "program.py"
    file.write_text(IN_PYTHON.format(refused))
    console = start(build_program(file)).wait_for(": no access to address 0x")
    assert "written" in console and "gone on" not in console
