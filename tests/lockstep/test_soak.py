"""The same for as long as it is given, and a million kernel entries at least in the ten minutes of `make soak`.

All builds get a part of the time, in all their lives. The release build compiled for this host, by far the fastest, gets the rest, and
goes on until there are as many entries as the seconds are to bring, however slow the machine is.
"""

from __future__ import annotations

import time
from pathlib import Path
from random import Random, SystemRandom

import pytest

from .builds import DEBUG, ENTRIES, REAL_WINDOW, RELEASE, UTILISATION, installed
from .compiled import Compiled
from .run import Runner, Wrong, with_all_lives
from .tally import Tally

MILLION = 1_000_000
ENTRIES_PER_SECOND = MILLION / 600  # wanted of a soak: the million in its ten minutes, of a shorter one less
SHARES = ((RELEASE, 0.08), (REAL_WINDOW, 0.08), (DEBUG, 0.06), (UTILISATION, 0.04), (ENTRIES, 0.04))
LENGTH = 1000  # of a run, if its threads do not all fall asleep before
SELDOM = 300  # entries between checks: they are far slower than the calls
CLOSELY = 150  # one run in so many is checked after every entry


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_soak(soak_seconds: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = min(int(soak_seconds * ENTRIES_PER_SECOND), MILLION)
    begin = time.monotonic()
    tally, total = Tally(), 0

    def tell(text: str) -> None:
        with capsys.disabled():
            print(text, flush=True)

    tell("")
    for build, share in SHARES:
        with installed(build):
            runner = with_all_lives(build, tmp_path)
            with tally.counting():
                soak(runner, time.monotonic() + share * soak_seconds, 0)
        total += runner.calls
        tell(told(runner))
    with installed(RELEASE):
        runner = Runner(RELEASE, [Compiled])
        with tally.counting():
            soak(runner, begin + soak_seconds, 0)
            if total + runner.calls < wanted:
                tell(f"the seconds are over: going on from {total + runner.calls:,} entries to {wanted:,}")
                soak(runner, begin + soak_seconds, wanted - total)
    total += runner.calls
    tell(told(runner))
    tell(
        f"{tally}\nlockstep: {total:,} kernel entries, {wanted:,} wanted, in {time.monotonic() - begin:.0f} seconds"
    )
    assert total >= wanted


def soak(runner: Runner, end: float, wanted: int) -> None:
    """Runs of new seeds until `end`, and until there were so many entries.

    A run that fails is told whole, as short as it can be made.
    """
    while time.monotonic() < end or runner.calls < wanted:
        seed = SystemRandom().getrandbits(48)
        try:
            runner.play_at_random(Random(seed), LENGTH, SELDOM if runner.runs % CLOSELY else 1)
        except Wrong as wrong:
            raise runner.shortened(wrong) from None


def told(runner: Runner) -> str:
    lives = ", ".join(type(life).__name__ for life in runner.lives)
    return (
        f"{runner.build.name} ({lives}): {runner.calls:,} kernel entries in {runner.runs} runs, all agree; "
        f"invariants checked {runner.checks:,} times: after every entry of one run in {CLOSELY}, "
        f"after every {SELDOM}th of the others"
    )
