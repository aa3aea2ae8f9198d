"""Checking after every kernel exit: as often as asked, and not at all unless asked."""

from __future__ import annotations

import pytest

from pith import UserError
from pith.kernel.riscv64 import trap
from pith.kernel.riscv64.csr import INTERRUPT
from pith.kernel.state import kernel
from pith.verify.check import InvariantsViolated
from pith.verify.watch import VARIABLE, checked, watched

from .conftest import Town

TIMER = INTERRUPT | 5


def corrupt(cause: int, value: int) -> str:
    kernel.ready[0].words = 0
    return "done"


def test_nothing_is_checked_unless_asked(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert watched(corrupt) is corrupt
    monkeypatch.setenv(VARIABLE, "0")
    assert watched(corrupt) is corrupt


def test_a_violation_ends_the_run_and_names_the_entry(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(
        InvariantsViolated, match=r"after kernel entry 1, corrupt\(0x8, 0x0\):\n  words of domain 0"
    ):
        watched(corrupt)(8, 0)


def test_checking_every_third_exit(town: Town) -> None:
    enter = checked(corrupt, every=3)
    assert enter(8, 0) == "done"
    assert enter(8, 0) == "done"
    with pytest.raises(InvariantsViolated, match="after kernel entry 3"):
        enter(8, 0)


def test_a_variable_that_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "yes")
    with pytest.raises(UserError) as raised:
        watched(corrupt)
    assert raised.value.remedy == "PITH_CHECK_INVARIANTS=1: check after every kernel exit"


def test_the_kernel_keeps_its_invariants_at_timer_interrupts(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time passes, budgets end, sleepers wake: all of it through the kernel's own door."""
    processor = town.world.processor
    processor.csrs["time"] = kernel.now

    def pass_time() -> None:
        processor.csrs["time"] += 170

    monkeypatch.setattr(processor, "wait_for_interrupt", pass_time)
    enter = checked(trap.handle_trap)
    ran: set[int] = set()
    for _ in range(150):
        pass_time()
        ran.add(enter(TIMER).address)
    assert {t.address for t in (town.runner, town.ready, town.sleeper, town.late, town.callee)} == ran
