"""The same for as long as it is given: a million calls in a few minutes."""

from __future__ import annotations

import time
from random import Random

import pytest

from .run import Runner, Wrong

LENGTH = 1000
SELDOM = 97  # the invariants are far slower than the calls between


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_soak(lockstep: Runner, soak_seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    """New seeds each time; the failing run is told whole, as short as it can be made."""
    start, end, runs = time.time_ns(), time.monotonic() + soak_seconds, 0
    calls = lockstep.calls
    while time.monotonic() < end:
        try:
            lockstep.play_at_random(Random(f"soak {start} {runs}"), LENGTH, check_every=SELDOM)
        except Wrong as wrong:
            raise lockstep.shortened(wrong) from None
        runs += 1
    with capsys.disabled():
        print(f"\nlockstep soak: {lockstep.calls - calls} kernel entries in {runs} runs, both kernels agree")
