"""The same for as long as it is given, and a million kernel entries at least in `make soak`, the invariants checked after each.

All builds get a part of the time, in all their lives. Then the release build compiled for this host, by far the fastest, goes on in
as many processes as there are processors: until the time is over, and until there are as many entries as
the seconds are to bring, however slow the machine is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from multiprocessing.managers import DictProxy, ValueProxy
from pathlib import Path
from random import Random, SystemRandom
from typing import NamedTuple

import pytest

from .builds import DEBUG, ENTRIES, REAL_WINDOW, RELEASE, UTILISATION, installed
from .compiled import Compiled
from .run import Runner, Wrong, with_all_lives
from .tally import Tally

MILLION = 1_000_000
ENTRIES_PER_SECOND = MILLION / 600  # wanted of a soak: the million of its ten minutes, of a shorter one less
SHARES = ((RELEASE, 0.08), (REAL_WINDOW, 0.08), (DEBUG, 0.06), (UTILISATION, 0.04), (ENTRIES, 0.04))
LENGTH = 1000  # of a run, if its threads do not all fall asleep before
REPORT_EVERY = 50_000  # entries


class Counts(NamedTuple):
    """What soaking came to."""

    entries: int
    runs: int
    checks: int  # of the invariants

    def __str__(self) -> str:
        return f"{self.entries:,} kernel entries in {self.runs:,} runs, all agree; invariants checked {self.checks:,} times"


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
        end = time.monotonic() + share * soak_seconds
        with installed(build):
            runner = with_all_lives(build, tmp_path)
            with tally.counting():
                counts = soak(runner, lambda _entries, _seed, end=end: time.monotonic() < end)
        total += counts.entries
        tell(f"{build.name} ({', '.join(type(life).__name__ for life in runner.lives)}): {counts}")
    processes = os.cpu_count() or 1
    context = get_context("spawn")  # a fork would take this one's memory and compiled code along
    with context.Manager() as manager, ProcessPoolExecutor(processes, context) as pool:
        done, seeds = manager.Value("q", total), manager.dict()
        one = partial(soak_release, done, seeds, manager.Lock(), begin + soak_seconds, wanted)
        workers = [pool.submit(one) for _ in range(processes)]
        shown = total
        while not all(worker.done() for worker in workers):
            time.sleep(1)
            if done.value - shown >= REPORT_EVERY:
                shown = done.value
                tell(f"  {shown:,} entries of {wanted:,}, {time.monotonic() - begin:.0f} seconds")
        for worker in workers:
            try:
                counts, tallied = worker.result()
            except BrokenProcessPool:  # compiled code that goes astray takes its process along
                raise AssertionError(
                    f"a process died: the runs under way had the seeds {dict(seeds)}"
                ) from None
            total += counts.entries
            tally.add(tallied)
            tell(f"{RELEASE.name} (Interpreted, Compiled), one of {processes} processes: {counts}")
    tell(
        f"{tally}\nlockstep: {total:,} kernel entries, {wanted:,} wanted, in {time.monotonic() - begin:.0f} seconds"
    )
    assert total >= wanted


def soak_release(
    done: ValueProxy[int], seeds: DictProxy[int, int], lock: object, end: float, wanted: int
) -> tuple[Counts, Tally]:
    """The release build until `end`, and until all processes together have `done` what is wanted. Runs in a process of its own."""
    before = 0

    def goes_on(entries: int, seed: int) -> bool:
        nonlocal before
        seeds[os.getpid()] = seed
        with lock:  # type: ignore[attr-defined]
            done.value += entries - before
            before = entries
            return time.monotonic() < end or done.value < wanted

    tally = Tally()
    with installed(RELEASE):
        runner = Runner(RELEASE, [Compiled])
        with tally.counting():
            return soak(runner, goes_on), tally


def soak(runner: Runner, goes_on: Callable[[int, int], bool]) -> Counts:
    """Runs of new seeds while that goes on, which is told how many entries there were, and the next seed.

    A run that fails is told whole, as short as it can be made.
    """
    built = runner.calls  # the town's own entries, checked with the first run
    while goes_on(runner.calls - built, seed := SystemRandom().getrandbits(48)):
        try:
            runner.play_at_random(Random(seed), LENGTH)
        except Wrong as wrong:
            raise runner.shortened(wrong) from None
    return Counts(runner.calls - built, runner.runs, runner.checks)
