"""User mode: every way in which it ends, with the cause and the value that hardware would give."""

from __future__ import annotations

import pytest

from pith.machine import instructions
from pith.machine.processor import KERNEL_ENTRY
from pith.metal import machine as metal
from tests.patience import ENOUGH

from . import small_kernel
from .small_kernel import (
    A0,
    A1,
    A2,
    A3,
    CODE,
    CODE_PAGE,
    DATA,
    DATA_PAGE,
    DEVICE,
    ECALL,
    EXECUTE,
    NOWHERE,
    PC,
    READ,
    USER,
    USER_CODE,
    USER_DATA,
    WRITE,
    Seen,
    SmallKernel,
    run,
    window,
)  # fmt: skip


def test_a_call_brings_the_registers_and_the_place_of_the_instruction() -> None:
    kernel = run("li a0, 7\nli a7, -12\nli t6, 99\necall")
    assert kernel.seen == [Seen(ECALL, 0, CODE + 8)]
    assert kernel.registers[A0] == 7
    assert kernel.registers[16] == (1 << 64) - 12
    assert kernel.registers[30] == 99


def test_a_thread_goes_on_where_and_with_what_the_kernel_says() -> None:
    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if len(kernel.seen) == 2:
            kernel.finish()
        kernel.set_register(A0, 41)
        kernel.skip()

    kernel = run("ecall\naddi a0, a0, 1\necall", SmallKernel(answer))
    assert kernel.seen[1] == Seen(ECALL, 0, CODE + 6)
    assert kernel.registers[A1] == 0


FAULTS = {
    "load from nowhere": ("ld a0, 24(a5)", NOWHERE, 13, NOWHERE + 24),
    "load with a negative offset": ("lw a0, -8(a5)", NOWHERE + 0x100, 13, NOWHERE + 0xF8),
    "compressed load": ("c.ld a0, 48(a5)", NOWHERE, 13, NOWHERE + 48),
    "compressed load of a word": ("c.lw a0, 68(a5)", NOWHERE, 13, NOWHERE + 68),
    "compressed store of a word": ("c.sw a0, 124(a5)", NOWHERE, 15, NOWHERE + 124),
    "load from the stack": ("c.ldsp a0, 40(sp)", NOWHERE, 13, NOWHERE + 40),
    "load of a word from the stack": ("c.lwsp a0, 228(sp)", NOWHERE, 13, NOWHERE + 228),
    "store to the stack": ("c.sdsp a0, 328(sp)", NOWHERE, 15, NOWHERE + 328),
    "store of a word to the stack": ("c.swsp a0, 196(sp)", NOWHERE, 15, NOWHERE + 196),
    "float load": ("fld fa0, 16(a5)", NOWHERE, 13, NOWHERE + 16),
    "compressed float store": ("c.fsd fa0, 16(a5)", NOWHERE, 15, NOWHERE + 16),
    "store to nowhere": ("sb a0, -1(a5)", NOWHERE + 0x10, 15, NOWHERE + 0xF),
    "store to code": ("sd a0, 8(a5)", CODE, 15, CODE + 8),
    "atomic on nothing": ("amoadd.d a0, a1, (a5)", NOWHERE + 8, 15, NOWHERE + 8),
    "atomic on code": ("amoswap.w a0, a1, (a5)", CODE + 4, 15, CODE + 4),
    "load-reserved from nowhere": ("lr.d a0, (a5)", NOWHERE, 13, NOWHERE),
    "jump to nowhere": ("jr a5", NOWHERE + 2, 12, NOWHERE + 2),
    "jump to data": ("jr a5", DATA, 12, DATA),
    "jump to zero": ("jr zero", 0, 12, 0),
    "load from the kernel's addresses": ("ld a0, (a5)", -0x1000, 13, (1 << 64) - 0x1000),
    "load from an address of no kind": ("ld a0, (a5)", 1 << 45, 13, 1 << 45),
    "store across the end of memory": ("sd a0, (a5)", DEVICE + 0xFFC, 15, DEVICE + 0x1000),
    "load that is an atomic's twin in bits": ("lw a0, 47(a5)", NOWHERE, 13, NOWHERE + 47),
    "misaligned atomic": ("amoadd.d a0, a1, (a5)", DATA + 1, 6, DATA + 1),
    "misaligned load-reserved": ("lr.w a0, (a5)", DATA + 2, 4, DATA + 2),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_wrong_access_faults_at_its_address(case: str) -> None:
    instruction, address, cause, value = FAULTS[case]
    kernel = SmallKernel()
    kernel.setup = lambda kernel: metal.csr_set("sstatus", 3 << 13)
    at = 8 if case == "jump to zero" else None
    run(f".option norvc\nli a5, {address}\nmv sp, a5\n.option rvc\n{instruction}", kernel)
    assert (kernel.seen[0].cause, kernel.seen[0].value) == (cause, value)
    if cause == 12:
        assert kernel.seen[0].pc == value
    elif at is not None:
        assert kernel.seen[0].pc == CODE + at


def test_an_access_where_no_device_answers() -> None:
    causes = {"ld a0, 8(a5)": 5, "sd a0, 8(a5)": 7, "amoor.d a0, a1, (a5)": 7, "jr a5": 1}
    for instruction, cause in causes.items():
        kernel = SmallKernel()
        kernel.setup = lambda kernel: kernel.map(DATA, 0x5000_0000, READ | WRITE | EXECUTE | USER)
        run(f"li a5, {DATA}\n{instruction}", kernel)
        offset = 8 if "8(" in instruction else 0
        assert (kernel.seen[0].cause, kernel.seen[0].value) == (cause, DATA + offset), instruction


def test_code_cannot_be_fetched_from_a_device() -> None:
    kernel = SmallKernel()
    kernel.setup = lambda kernel: kernel.map(DEVICE, 0x1000_0000, READ | EXECUTE | USER)
    run(f"li a5, {DEVICE}\njr a5", kernel)
    assert kernel.seen == [Seen(1, DEVICE, DEVICE)]


@pytest.mark.parametrize(("flags", "instruction", "cause"), [
    (READ | EXECUTE, "ld a0, (a5)", 13),  # the kernel's own page
    (READ | WRITE, "sd a0, (a5)", 15),
    (EXECUTE, "jr a5", 12),
    (EXECUTE | USER, "ld a0, (a5)", 13),
    (WRITE | USER, "sd a0, (a5)", 15),  # writable but not readable is reserved
])  # fmt: skip
def test_the_table_entry_decides(flags: int, instruction: str, cause: int) -> None:
    kernel = SmallKernel()
    kernel.setup = lambda kernel: kernel.map(DATA, DATA_PAGE, flags)
    run(f"li a5, {DATA}\n{instruction}", kernel)
    assert (kernel.seen[0].cause, kernel.seen[0].value) == (cause, DATA)


@pytest.mark.parametrize(
    "instruction", ["csrr a0, sstatus", "wfi", "sret", "sfence.vma", ".word 0", ".word -1", "mret"]
)
def test_an_illegal_instruction_is_its_own_value(instruction: str) -> None:
    kernel = run(f".option norvc\nnop\n{instruction}\n.word 0")
    word = int.from_bytes(small_kernel.assembled(f".option norvc\n{instruction}\n.word 0")[:4], "little")
    assert kernel.seen == [Seen(2, word, CODE + 4)]


def test_an_illegal_instruction_at_the_start_of_a_page() -> None:
    assert run(".word 0").seen[0] == Seen(2, 0, CODE)
    assert run("ebreak").seen[0] == Seen(3, CODE, CODE)


@pytest.mark.parametrize("breakpoint", [".option norvc\nebreak", "c.ebreak"])
def test_a_breakpoint(breakpoint: str) -> None:
    assert run(f"{breakpoint}").seen == [Seen(3, CODE, CODE)]
    assert run(f"c.nop\n{breakpoint}").seen[0].pc == CODE + 2


@pytest.mark.parametrize("ends", [False, True])
def test_a_reservation_lives_through_a_trap_until_the_kernel_ends_it(ends: bool) -> None:
    """The specification leaves the first open; the emulator does not, and so a kernel that forgets it is found out."""

    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if len(kernel.seen) == 2:
            kernel.finish()
        if ends:
            metal.end_reservation(window(DATA_PAGE + 8))
        kernel.skip()

    text = f"li a2, {DATA}\nlr.d a0, (a2)\necall\nli a3, 5\nsc.d a1, a3, (a2)\nld a0, (a2)\necall"
    kernel = run(text, SmallKernel(answer))
    assert (kernel.registers[A0], kernel.registers[A1]) == ((0, 1) if ends else (5, 0))


def test_a_new_reservation_is_good_after_one_that_ended() -> None:
    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if len(kernel.seen) == 2:
            kernel.finish()
        metal.end_reservation(window(DATA_PAGE + 8))
        kernel.skip()

    kernel = run(
        f"li a2, {DATA}\nlr.w a0, (a2)\nli s0, 9\necall\nlr.w a0, (a2)\nsc.w a1, s0, (a2)\nld a0, (a2)\necall",
        SmallKernel(answer),
    )
    assert (kernel.registers[A0], kernel.registers[A1]) == (9, 0)


def test_floating_point_is_illegal_until_it_is_enabled() -> None:
    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if seen.cause == 2:
            metal.csr_set("sstatus", 3 << 13)
        else:
            kernel.finish()

    kernel = run(
        "li a0, 3\nfcvt.d.l fa0, a0\nfadd.d fa0, fa0, fa0\nfcvt.l.d a1, fa0\necall", SmallKernel(answer)
    )
    assert [seen.cause for seen in kernel.seen] == [2, ECALL]
    assert kernel.registers[A1] == 6


USES = {
    "nothing": ("nop", 2),
    "a result": ("fadd.d f0, f1, f2", 3),
    "a load": (f"li a0, {DATA}\nfld f0, (a0)", 3),
    "fcsr": ("fscsr zero", 3),
    "a look": ("fmv.x.d a0, f0", 2),
}


@pytest.mark.parametrize(("use", "state"), USES.values(), ids=list(USES))
def test_a_write_makes_the_state_of_floating_point_dirty(use: str, state: int) -> None:
    """FS is Clean (2) before, as the kernel set it."""

    def answer(kernel: SmallKernel, seen: Seen) -> None:
        kernel.first = metal.csr_read("sstatus") >> 13 & 3  # type: ignore[attr-defined]
        metal.processor.restore_float(window(DATA_PAGE + 0x800))
        kernel.second = metal.csr_read_and_clear("sstatus", 3 << 13) >> 13 & 3  # type: ignore[attr-defined]
        kernel.third = metal.csr_read("sstatus") >> 13 & 3  # type: ignore[attr-defined]
        kernel.finish()

    kernel = SmallKernel(answer)
    kernel.setup = lambda kernel: metal.csr_set("sstatus", 2 << 13)
    run(f"{use}\necall", kernel)
    assert (kernel.first, kernel.second, kernel.third) == (state, 3, 0)  # type: ignore[attr-defined]


def test_floating_point_registers_are_saved_and_restored() -> None:
    """Two rounds: the second finds what was restored, not what the program left in between."""
    saved = window(DATA_PAGE + 0x800)

    def answer(kernel: SmallKernel, seen: Seen) -> None:
        match len(kernel.seen):
            case 1:
                metal.processor.save_float(saved)
                kernel.first = [metal.load_u64(saved + 8 * n) for n in range(33)]  # type: ignore[attr-defined]
            case 2:
                metal.processor.restore_float(saved)
            case 3:
                kernel.finish()
        kernel.skip()

    kernel = SmallKernel(answer)
    kernel.setup = lambda kernel: metal.csr_set("sstatus", 3 << 13)
    run(
        "li a0, 3\nfcvt.d.l f0, a0\nfcvt.d.l f31, a0\nli a0, 0x51\nfscsr a0\necall\n"
        "fmv.d.x f31, zero\nfscsr zero\necall\nfcvt.l.d a1, f31\nfrcsr a2\necall",
        kernel,
    )
    three = 0x4008_0000_0000_0000
    assert (kernel.first[0], kernel.first[31], kernel.first[32]) == (three, three, 0x51)  # type: ignore[attr-defined]
    assert (kernel.registers[A1], kernel.registers[A2]) == (3, 0x51)


def test_counters_count_instructions() -> None:
    kernel = run("rdinstret a0\nnop\nnop\nrdcycle a1\nrdtime a2\necall")
    assert kernel.registers[A1] - kernel.registers[A0] == 3
    assert kernel.registers[A2] == (kernel.registers[A1] + 1) // 100


def test_counters_read_on_a_page_that_was_read_as_data_before() -> None:
    kernel = SmallKernel()
    kernel.setup = lambda kernel: kernel.map(CODE + 0x1000, CODE_PAGE + 0x1000, USER_CODE)
    text = f"li a5, {CODE + 0x1000}\nld a4, (a5)\njr a5\n.org 0x1000\nrdinstret a0\nnop\nrdcycle a1\necall"
    run(text, kernel)
    assert kernel.registers[A1] - kernel.registers[A0] == 2  # type: ignore[attr-defined]


def test_counters_read_by_code_that_a_program_writes_where_other_code_has_run() -> None:
    kernel = SmallKernel()
    kernel.setup = lambda kernel: kernel.map(DATA, DATA_PAGE, USER_DATA | EXECUTE)
    first = int.from_bytes(small_kernel.assembled(".option norvc\nnop\nret"), "little")
    second = int.from_bytes(small_kernel.assembled(".option norvc\nrdinstret a0\nret"), "little")
    run(
        f".option norvc\nli a5, {DATA}\nli a4, {first}\nsd a4, (a5)\njalr a5\n"
        f"li a4, {second}\nsd a4, (a5)\nfence.i\njalr a5\nrdinstret a1\necall",
        kernel,
    )
    assert kernel.registers[A1] - kernel.registers[A0] == 2  # type: ignore[attr-defined]


def test_another_instruction_where_a_counter_was_read_is_executed_and_counted_once() -> None:
    """The emulator stops there; the second time, the page holds something else."""

    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if len(kernel.seen) == 2:
            kernel.finish()
            return
        kernel.first = kernel.register(A0)  # type: ignore[attr-defined]
        other = small_kernel.assembled(".option norvc\nmv a0, a2\nrdinstret a1\necall")
        for word in range(0, 12, 4):
            at, half = window(CODE_PAGE) + (word & ~7), 8 * (word & 4)
            new = int.from_bytes(other[word : word + 4], "little")
            metal.store_u64(at, metal.load_u64(at) & ~(0xFFFF_FFFF << half) | new << half)
        metal.fence_instructions()
        metal.fence_translations()
        kernel.set_register(A2, 77)
        kernel.set_register(PC, CODE)

    kernel = run(".option norvc\nrdcycle a0\nnop\necall", SmallKernel(answer))
    assert kernel.registers[A0] == 77
    # The first counter read, a nop, the call, the kernel's charge, then the move and the second read.
    assert kernel.registers[A1] - kernel.first == 1 + 1 + KERNEL_ENTRY + 1 + 1  # type: ignore[attr-defined]


def test_a_counter_is_read_by_an_instruction_on_two_pages() -> None:
    text = f".option norvc\nli a5, {CODE + 0xFFA}\nrdinstret a0\njr a5\n.org 0xffa\nnop\nrdinstret a1\necall\n.org 0x1008"

    def setup(kernel: SmallKernel) -> None:
        kernel.map(CODE + 0x1000, CODE_PAGE + 0x3000, USER_CODE)  # the next page is not next in memory
        rest = int.from_bytes(small_kernel.assembled(text)[0x1000:], "little")
        metal.store_u64(window(CODE_PAGE + 0x3000), rest)

    kernel = SmallKernel()
    kernel.setup = setup
    run(text, kernel)
    assert kernel.seen == [Seen(ECALL, 0, CODE + 0x1002)]
    assert kernel.registers[A1] - kernel.registers[A0] == 3  # type: ignore[attr-defined]


COUNTER_ACCESSES = {
    "csrrs a0, cycle, x0": True, "csrrc a0, instret, x0": True, "csrrsi a0, time, 0": True, "csrrci a0, cycle, 0": True,
    "csrrs x0, cycle, x0": True, "csrrs a0, cycle, a1": False, "csrrc a0, time, a1": False, "csrrw a0, cycle, x0": False,
    "csrrwi a0, time, 0": False, "csrrsi a0, instret, 1": False, "csrr a0, hpmcounter3": False,
    "csrr a0, hpmcounter31": False,
}  # fmt: skip


@pytest.mark.parametrize("instruction", COUNTER_ACCESSES)
def test_counters_can_be_read_and_not_written_and_those_that_are_not_there_are_illegal(
    instruction: str,
) -> None:
    kernel = run(f".option norvc\nli a1, 0\n{instruction}\necall")
    assert kernel.seen[0].cause == (ECALL if COUNTER_ACCESSES[instruction] else 2)
    if COUNTER_ACCESSES[instruction] and "x0, cycle" not in instruction:
        assert 0 <= kernel.registers[A0] <= 2  # type: ignore[attr-defined]


def test_two_address_spaces_with_the_same_addresses() -> None:
    """A switch of satp is enough; the second space's code is at the first one's addresses."""

    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if len(kernel.seen) == 1:
            other = kernel.new_table()
            kernel.map(CODE, DATA_PAGE, USER_CODE, root=other)
            code = small_kernel.assembled("li a0, 2\necall")
            metal.store_u64(window(DATA_PAGE), int.from_bytes(code.ljust(8, b"\0"), "little"))
            metal.csr_write("satp", 8 << 60 | other >> 12)
            kernel.set_register(PC, CODE)
        elif len(kernel.seen) == 2:
            metal.csr_write("satp", 8 << 60 | kernel.root >> 12)
            kernel.set_register(A1, kernel.register(A0))
            kernel.set_register(PC, CODE)
        else:
            kernel.finish()

    kernel = run("li a0, 1\necall", SmallKernel(answer))
    assert (kernel.registers[A0], kernel.registers[A1]) == (1, 2)


def test_a_mapping_that_is_taken_away_is_gone_after_a_fence() -> None:
    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if seen.cause != ECALL:
            kernel.finish()
        kernel.map(DATA, DATA_PAGE, 0)
        metal.fence_translation(DATA, 0)
        kernel.skip()

    kernel = run(f"li a5, {DATA}\nsd a5, (a5)\necall\nld a0, 8(a5)", SmallKernel(answer))
    assert kernel.seen[1][:2] == (13, DATA + 8)


def test_code_that_the_kernel_wrote_runs_after_an_instruction_fence() -> None:
    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if len(kernel.seen) == 2:
            kernel.finish()
            return
        code = small_kernel.assembled("li a0, 2\necall")
        metal.store_u64(window(CODE_PAGE), int.from_bytes(code.ljust(8, b"\0"), "little"))
        metal.fence_instructions()
        kernel.set_register(PC, CODE)

    assert run("li a0, 1\necall\nnop", SmallKernel(answer)).registers[A0] == 2


def test_a_program_may_write_its_own_code() -> None:
    code = int.from_bytes(small_kernel.assembled("li a0, 2\nret\n"), "little")
    kernel = SmallKernel()
    kernel.setup = lambda kernel: kernel.map(DATA, DATA_PAGE, USER_DATA | EXECUTE)
    text = f"li a5, {DATA}\nli a4, {code | 0x0001_0001 << 32 & 0}\nsw a4, (a5)\nfence.i\njalr a5\nmv a1, a0\n"
    second = int.from_bytes(small_kernel.assembled("li a0, 3\nret\n"), "little")
    run(f"{text}li a4, {second}\nsw a4, (a5)\nfence.i\njalr a5\necall", kernel)
    assert (kernel.registers[A1], kernel.registers[A0]) == (2, 3)


def test_a_compressed_instruction_may_end_the_last_page() -> None:
    """Nothing behind it may be fetched: the next page is not mapped for code."""
    kernel = SmallKernel()
    run(f"li a5, {CODE + 0xFFE}\njr a5\n.org 0xffe\nc.jr ra", kernel)
    assert kernel.seen == [Seen(12, 0, 0)]


def test_an_instruction_across_the_end_of_the_last_page() -> None:
    kernel = SmallKernel()
    run(f"li a5, {CODE + 0xFFE}\njr a5\n.org 0xffe\n.option norvc\naddi a0, a0, 1", kernel)
    assert kernel.seen == [Seen(12, CODE + 0x1000, CODE + 0xFFE)]


ALIAS = DATA + 0x10_0000


def test_code_changed_through_another_mapping_runs_after_the_programs_own_fence() -> None:
    """Written at one address, run at another; each time a different constant is returned."""
    li_a0, ret = 0x0000_0513, 0x0000_8067
    kernel = SmallKernel()
    kernel.setup = lambda kernel: (
        kernel.map(DATA, DATA_PAGE, USER_DATA),
        kernel.map(ALIAS, DATA_PAGE, USER_CODE),
    )[0]
    run(
        f"li a5, {DATA}\nli a4, {ret}\nsw a4, 4(a5)\nli a4, {li_a0}\nli a3, {ALIAS}\nli a2, 0\nli a1, 100\n"
        "1: sw a4, (a5)\nfence.i\njalr a3\nadd a2, a2, a0\nli t0, 1 << 20\nadd a4, a4, t0\naddi a1, a1, -1\nbnez a1, 1b\n"
        "ecall",
        kernel,
    )
    assert kernel.registers[A2] == sum(range(100))  # type: ignore[attr-defined]


CUT = f"li a5, {CODE + 0xFF4}\nli a4, {NOWHERE}\nli a0, 0\njr a5\n.org 0xff4\n{{}}\n.org 0xffe\n.half 0x8513"  # addi a0, ...


@pytest.mark.parametrize(("before", "seen"), [
    ("c.addi a0, 1\n" * 5, Seen(12, CODE + 0x1000, CODE + 0xFFE)),
    ("c.addi a0, 1\nc.sw a0, (a4)\n" + "c.addi a0, 1\n" * 3, Seen(15, NOWHERE, CODE + 0xFF6)),
    ("c.addi a0, 1\nc.ebreak\n" + "c.addi a0, 1\n" * 3, Seen(3, CODE + 0xFF6, CODE + 0xFF6)),
    ("c.addi a0, 1\n.option norvc\necall\n.option rvc\n" + "c.addi a0, 1\n" * 2, Seen(ECALL, 0, CODE + 0xFF6)),
])  # fmt: skip
def test_what_stands_before_an_instruction_that_cannot_be_fetched_whole_is_executed(
    before: str, seen: Seen
) -> None:
    kernel = run(CUT.format(before))
    assert kernel.seen == [seen]
    assert kernel.registers[A0] == (5 if seen.cause == 12 else 1)  # type: ignore[attr-defined]


def test_a_loop_goes_on_before_an_instruction_that_cannot_be_fetched_whole() -> None:
    """The limit comes first; then, in another slice, the fault."""
    loop = "1: c.addi a0, 1\n.option norvc\nbne a0, a1, 1b\n.option rvc\nc.nop\nc.nop"
    kernel = SmallKernel()
    kernel.setup = lambda kernel: kernel.set_register(A1, 1000)
    with small_kernel.machine(kernel, CUT.format(loop)) as running:
        running.run(instructions=500)
        assert kernel.seen == []
        running.run(seconds=ENOUGH)
        found = kernel.register(A0)
    assert kernel.seen == [Seen(12, CODE + 0x1000, CODE + 0xFFE)]
    assert found == 1000


@pytest.mark.parametrize(("page", "instruction"), [
    (0x5000_0000, "lw a0, (a5)"), (0x5000_0000, "fsd fa0, (a5)"), (0x1000_0000, "sd a0, 0x100(a5)"),
    (0x1000_0000, "lbu a0, 0x7ff(a5)"), (0x1000_0000, "lw a0, 2(a5)"), (0x1000_0000, "amoadd.w a0, a1, (a5)"),
    (0x1000_0000, "lr.w a0, (a5)"), (0x10_1000, "lh a0, (a5)"),
])  # fmt: skip
def test_what_no_device_answers_is_an_access_fault_and_changes_nothing(page: int, instruction: str) -> None:
    kernel = SmallKernel()

    def setup(kernel: SmallKernel) -> None:
        kernel.map(DATA, page, USER_DATA)
        metal.csr_set("sstatus", 3 << 13)

    kernel.setup = setup
    run(f"li a0, 77\nli a5, {DATA}\n{instruction}", kernel)
    access = instructions.access(int.from_bytes(small_kernel.assembled(instruction)[:4], "little"))
    assert access is not None
    assert kernel.seen[0][:2] == (7 if access.is_write else 5, DATA + access.offset)
    assert kernel.registers[A0] == 77  # type: ignore[attr-defined]


def test_a_device_is_read_in_every_width_and_sign() -> None:
    """The scratch register of the serial line holds a byte; a program may put its own in the status register's place."""
    text = (
        f"li a5, {DEVICE}\nli a0, 0xfe\nsb a0, 7(a5)\nlb a0, 7(a5)\nlbu a1, 7(a5)\n"
        f"li a5, {DATA}\nlwu a2, 12(a5)\nlw a3, 12(a5)\nflw fa0, 12(a5)\nfmv.x.d a4, fa0\nlb x0, (a5)\nc.lw a5, 12(a5)\necall"
    )
    kernel = SmallKernel()

    def setup(kernel: SmallKernel) -> None:
        kernel.map(DATA, 0x1000_1000, USER_DATA)  # an empty virtio slot; its vendor is QEMU
        metal.csr_set("sstatus", 3 << 13)

    kernel.setup = setup
    run(text, kernel)
    registers = kernel.registers  # type: ignore[attr-defined]
    assert registers[A0 : A3 + 3] == [
        (1 << 64) - 2, 0xFE, 0x554D_4551, 0x554D_4551, 0xFFFF_FFFF_554D_4551, 0x554D_4551
    ]  # fmt: skip


SINGLE_ONE, SIGNALLING = 0x3F80_0000, 0x7F80_0001
QUIET, BOXED = 0x7FC0_0000, 0xFFFF_FFFF_0000_0000


@pytest.mark.parametrize(("instruction", "a1", "a2", "result", "flags"), [
    ("fmv.w.x fa0, a1", SINGLE_ONE, 0, BOXED | SINGLE_ONE, 0),
    ("fadd.s fa0, fa1, fa2", BOXED | SINGLE_ONE, BOXED | SINGLE_ONE, BOXED | 0x4000_0000, 0),
    ("fadd.s fa0, fa1, fa2", SINGLE_ONE, BOXED | SINGLE_ONE, BOXED | QUIET, 0),
    ("fsgnj.s fa0, fa1, fa1", SINGLE_ONE, 0, BOXED | QUIET, 0),
    ("fcvt.d.s fa0, fa1", SINGLE_ONE, 0, 0x7FF8_0000_0000_0000, 0),
    ("fmin.s fa0, fa1, fa2", BOXED | SIGNALLING, BOXED | SINGLE_ONE, BOXED | SINGLE_ONE, 0x10),
    ("fmax.d fa0, fa1, fa2", 0x3FF0_0000_0000_0000, 0x7FF0_0000_0000_0001, 0x3FF0_0000_0000_0000, 0x10),
    ("fmax.d fa0, fa1, fa2", 0x7FF8_0000_0000_0000, 0x7FF0_0000_0000_0001, 0x7FF8_0000_0000_0000, 0x10),
    ("fmadd.d fa0, fa1, fa2, fa3", 0x7FF0_0000_0000_0000, 0, 0x7FF8_0000_0000_0000, 0x10),
])  # fmt: skip
def test_floating_point_is_as_specified(instruction: str, a1: int, a2: int, result: int, flags: int) -> None:
    """Single precision is marked in the upper half, what is not marked is no number, and invalid is said when it is."""
    kernel = SmallKernel()
    kernel.setup = lambda kernel: metal.csr_set("sstatus", 3 << 13)
    text = f"li a1, {a1}\nli a2, {a2}\nli a3, {0x7FF8 << 48}\nfmv.d.x fa1, a1\nfmv.d.x fa2, a2\nfmv.d.x fa3, a3\nrdinstret a3\n"
    run(f"{text}{instruction}\nrdinstret a4\nfmv.x.d a0, fa0\nfrflags a1\necall", kernel)
    registers = kernel.registers  # type: ignore[attr-defined]
    assert (registers[A0], registers[A1]) == (result, flags)
    assert registers[A3 + 1] - registers[A3] == 2  # it is counted once


@pytest.mark.parametrize("instruction", ["fadd.s fa0, fa0, fa0", "fmin.d fa0, fa0, fa0", "fmv.w.x fa0, a0"])
def test_floating_point_that_is_off_is_illegal_and_changes_nothing(instruction: str) -> None:
    kernel = run(f"{instruction}")
    assert kernel.seen[0].cause == 2 and kernel.seen[0].pc == CODE


def test_bit_0_of_a_program_counter_does_not_exist() -> None:
    """As in sepc, which a kernel writes."""

    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if len(kernel.seen) == 2:
            kernel.finish()
        kernel.set_register(PC, CODE + 5)

    kernel = run(".option norvc\necall\nli a0, 3\necall", SmallKernel(answer))
    assert kernel.registers[A0] == 3 and kernel.seen[1].pc == CODE + 8  # type: ignore[attr-defined]


@pytest.mark.parametrize("half", [0x8000, 0x9FFC, 0x9C41, 0x9C61, 0x0000, 0x2001, 0x4002])
def test_a_reserved_compressed_instruction_is_illegal_and_its_own_value(half: int) -> None:
    assert run(f"c.nop\n.half {half}").seen == [Seen(2, half, CODE + 2)]
