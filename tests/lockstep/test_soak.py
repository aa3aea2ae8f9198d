"""The same for as long as it is given: a million calls in ten minutes."""

from __future__ import annotations

import time
from random import Random, SystemRandom

import pytest

from .run import Runner, Wrong

LENGTH = 1000
SELDOM = 97  # the invariants are far slower than the calls between
SHARE = 5  # of the time that the emulated kernel gets, one part in so many


def soak(runner: Runner, seconds: float, name: str) -> str:
    """Runs of new seeds; a run that fails is told whole, as short as it can be made."""
    end, calls, runs = time.monotonic() + seconds, runner.calls, 0
    while time.monotonic() < end:
        seed = SystemRandom().getrandbits(48)
        try:
            runner.play_at_random(Random(seed), LENGTH, check_every=SELDOM)
        except Wrong as wrong:
            raise runner.shortened(wrong) from None
        runs += 1
    assert runs
    return f"\nlockstep with {name}: {runner.calls - calls} kernel entries in {runs} runs, all agree"


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_compiled(lockstep: Runner, soak_seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    told = soak(lockstep, soak_seconds * (SHARE - 1) / SHARE, "the kernel compiled for this host")
    with capsys.disabled():
        print(told)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_emulated(three_lives: Runner, soak_seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    told = soak(three_lives, soak_seconds / SHARE, "both compiled kernels")
    with capsys.disabled():
        print(told)
