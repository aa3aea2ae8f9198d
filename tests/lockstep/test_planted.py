"""The harness finds what it looks for: faults planted into either kernel, or both, are found and told in few steps."""

from __future__ import annotations

import re
from random import Random

import pytest

from pith.kernel import binding, scheduler
from pith.kernel.objects import SchedContext
from pith.kernel.riscv64 import frame
from pith.kernel.state import kernel

from .builds import RELEASE
from .compiled import Compiled
from .run import Runner, Wrong
from .steps import Step

RUNS = 100
LENGTH = 300
FEW = 12

pytestmark = pytest.mark.slow


def found(runner: Runner, check_every: int = 1) -> Wrong:
    """What is the matter, as short as it gets."""
    for seed in range(RUNS):
        try:
            runner.play_at_random(Random(f"planted {seed}"), LENGTH, check_every)
        except Wrong as wrong:
            return runner.shortened(wrong)
    raise AssertionError("nothing was found")


def forget_one_side(context: SchedContext) -> None:
    """Unbinding a thread, done by half."""
    context.thread = None


def test_half_an_unbinding(release: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The invariants see what no answer shows."""
    runner = Runner(RELEASE)
    monkeypatch.setattr(binding, "unbind", forget_one_side)
    wrong = found(runner, check_every=10)
    assert "context" in wrong.reason and len(wrong.steps) <= FEW, wrong


def test_a_crash(release: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stops the kernel is told as such."""
    runner = Runner(RELEASE)
    monkeypatch.setattr(scheduler, "postpone", lambda context: 1 // 0)
    wrong = found(runner)
    assert "ZeroDivisionError" in wrong.reason and len(wrong.steps) <= FEW, wrong
    told = str(wrong).partition("these steps:\n")[2]
    with pytest.raises(Wrong, match="ZeroDivisionError"):  # what is told can be pasted into a test
        runner.play(eval(told, {"Step": Step}))


def test_another_order_of_equals(lockstep: Runner) -> None:
    """The compiler writes `<=` for `<`: threads of equal priority queue the other way round."""

    def changed(text: str) -> str:
        defined = re.search(r'\ndefine .* @"pith\.kernel\.queue\._insert_among_others"', text)
        assert defined is not None
        start = defined.start()
        at = text.index("icmp ult", start)
        assert at < text.index("\n}", start), "in this function"
        return text[:at] + "icmp ule" + text[at + len("icmp ult") :]

    wrong = found(Runner(RELEASE, [lambda build: Compiled(build, changed)]), check_every=0)
    assert "Compiled" in wrong.reason and len(wrong.steps) <= 2 * FEW, wrong  # it takes three in one queue


def test_a_forgotten_fence(lockstep: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel tells the processor is compared, too."""
    monkeypatch.setattr(frame, "fence_translation", lambda address, asid: None)
    wrong = found(lockstep, check_every=0)
    assert "fence" in wrong.reason and len(wrong.steps) <= FEW, wrong


def test_a_field_that_nobody_shows(lockstep: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is compared whole: here when the domain's time ends, which no answer contains."""
    honest = scheduler.begin_domain

    def longer(index: int) -> None:
        honest(index)
        kernel.domain_end += 1

    monkeypatch.setattr(scheduler, "begin_domain", longer)
    wrong = found(lockstep, check_every=0)
    assert "kernel.domain_end" in wrong.reason or "told the processor" in wrong.reason, wrong
    assert len(wrong.steps) <= FEW, wrong


def test_a_run_without_faults_is_none(lockstep: Runner) -> None:
    """And the same runs pass when nothing is planted."""
    for seed in range(3):
        lockstep.play_at_random(Random(f"planted {seed}"), LENGTH, check_every=7)
