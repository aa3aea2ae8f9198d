"""Threads do to one another what the grammar has them do: all kernels agree, and the invariants hold after each call."""

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

pytestmark = pytest.mark.slow


@SETTINGS
@given(random=st.randoms(use_true_random=False))
def test_short_runs(three_lives: Runner, random: Random) -> None:
    """Hypothesis chooses, and makes what fails shorter."""
    three_lives.play_at_random(random, 40)


@pytest.mark.parametrize("seed", range(12))
def test_long_runs(three_lives: Runner, seed: int) -> None:
    """Seeds choose, so that runs get as deep as they may: until all threads sleep for good. Some 4000 calls in all."""
    try:
        three_lives.play_at_random(Random(f"long run {seed}"), 600)
    except Wrong as wrong:
        raise three_lives.shortened(wrong) from None
