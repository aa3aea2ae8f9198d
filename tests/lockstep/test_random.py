"""Threads do to one another what the grammar has them do: both kernels agree, and the invariants hold after each call."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .run import Runner, Wrong

SETTINGS = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@pytest.mark.slow
@SETTINGS
@given(random=st.randoms(use_true_random=False))
def test_short_runs(lockstep: Runner, random: Random) -> None:
    """Hypothesis chooses, and makes what fails shorter."""
    lockstep.play_at_random(random, 40, check_every=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_long_runs(lockstep: Runner, seed: int) -> None:
    """Seeds choose, so that runs get as deep as they may; about 4000 calls in all."""
    try:
        lockstep.play_at_random(Random(f"long run {seed}"), 1000, check_every=10)
    except Wrong as wrong:
        raise lockstep.shortened(wrong) from None
