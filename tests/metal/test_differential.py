"""The law of two lives, tried: random programs of each kind, in CPython, on the host, on an emulated riscv64.

`make test` tries the same programs each time; `make soak` goes on with others for as long as it is given. Both print how many.
"""

import time
from collections.abc import Callable
from random import SystemRandom
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.metal.generators import (
    failing,
    fields,
    flow,
    integers,
    layout,
    order,
    packed,
    tables,
    texts,
    views,
)
from tests.metal.generators.lives import Tally, try_program
from tests.metal.generators.source import Program

KINDS: dict[str, ModuleType] = {
    "integers": integers, "flow": flow, "layout": layout, "packed": packed, "order": order,
    "failures": failing, "views": views, "tables": tables, "fields": fields,
    "texts": texts,
}  # fmt: skip
MODULES = 10  # of each kind
INPUTS = 20  # for each function


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_random_programs_agree_in_all_lives(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    generate, prepare = _parts(kind)

    # A seed is a program; there is nothing to shrink in it, and a smaller program is no smaller seed.
    @settings(
        max_examples=MODULES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.integers(0, 1 << 32))
    def run(seed: int) -> None:
        try_program(generate(seed), seed, INPUTS, tally, prepare)

    run()
    assert tally.runs > tally.stopped + tally.outside  # most runs end well, or they prove little
    with capsys.disabled():
        print(f"\n{kind}: {tally}")


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_more_random_programs(kind: str, soak_seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    generate, prepare = _parts(kind)
    end = time.monotonic() + soak_seconds / len(KINDS)
    while time.monotonic() < end:
        seed = SystemRandom().getrandbits(48)
        try_program(generate(seed), seed, 3 * INPUTS, tally, prepare)
    with capsys.disabled():
        print(f"\n{kind}: {tally}")
    assert tally.runs


def _parts(kind: str) -> tuple[Callable[[int], Program], Any]:
    module = KINDS[kind]
    return module.generate, getattr(module, "prepare", None)
