"""Threads do to one another what the grammar has them do: all kernels agree, and the invariants hold after each call."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pith.abi.bootinfo import RootSlot
from pith.abi.labels import Label
from pith.abi.syscalls import SystemCall
from pith.kernel.cspace import slot_at
from pith.kernel.objects import NullCap
from pith.kernel.state import kernel

from . import town
from .run import Runner, Wrong
from .steps import invoke, system_call

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


def test_the_first_thread_ends_inside_a_cnode_that_ends(three_lives: Runner) -> None:
    """Its zombie stands in its own first slot then, and since boot made it, no untyped's order leads there."""
    move, delete = Label.CNODE_MOVE, Label.CNODE_DELETE
    steps = [
        system_call(
            SystemCall.RECV, town.LONE_ENDPOINTS, reply=town.REPLIES
        ),  # the first thread's: others run
        invoke(town.CNODES, move, 2, town.CNODE_RADIX, RootSlot.TCB, town.DEPTH, caps=(RootSlot.CNODE,)),
        invoke(RootSlot.CNODE, delete, town.CNODES, town.DEPTH),
    ]
    steps += [steps[-1]] * 6  # as often as it is interrupted
    three_lives.play(steps)
    assert isinstance(slot_at(kernel.root, town.CNODES).cap, NullCap)
