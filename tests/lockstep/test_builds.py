"""Other builds than release in lockstep: what they print, what they measure, and the window where it is on the metal."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from .builds import BUILDS, RELEASE, installed
from .run import Runner, Wrong, with_all_lives
from .steps import system_call

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[b for b in BUILDS if b != RELEASE], ids=lambda build: build.name)
def runner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """All lives of one build."""
    with installed(request.param):
        yield with_all_lives(request.param, tmp_path_factory.mktemp("kernel"))


@pytest.mark.parametrize("seed", range(3))
def test_runs(runner: Runner, seed: int) -> None:
    try:
        runner.play_at_random(Random(f"{runner.build.name} {seed}"), 300, check_every=3)
    except Wrong as wrong:
        raise runner.shortened(wrong) from None


@pytest.mark.parametrize("number", [0, 1, (1 << 63) - 1, -(1 << 63), -18, -40])
def test_numbers_that_no_call_has(runner: Runner, number: int) -> None:
    """However far a system call's number is from all that there are."""
    runner.play([system_call(number)])


@pytest.mark.parametrize("seed", range(3))
def test_boot(runner: Runner, seed: int) -> None:
    """From the loader to the first thread, whatever the user image's size and place."""
    random = Random(f"boot {seed}")
    runner.boot(random.randrange(1, 1 << 17) << 12, random.randrange(1, 12))
