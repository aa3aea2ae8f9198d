"""Reading what seL4's test driver prints, and the table that comes of many runs."""

from __future__ import annotations

import subprocess
import sys

import sel4test
from sel4test import Series, outcome_of
from tests.patience import ENOUGH

BEGIN = (
    "Starting test suite sel4test\nStarting test 0: Test that there are tests\nStarting test 1: SYSCALL0000\n"
)
PASSED = """Starting test 2: BIND0001
Running test BIND0001 (Test that a bound notification can be waited on)
Test BIND0001 passed
Starting test 3: Test all tests ran
Test suite passed. 142 tests passed. 44 tests disabled.
All is well in the universe
"""
FAILED = """Starting test 2: SCHED_CONTEXT_0006
\tError: Check state_one(1) == 2(2) failed. at line 248 of file schedcontext.c
Test SCHED_CONTEXT_0006 failed
Starting test 3: Test all tests ran
Test suite failed. 141/142 tests passed.
*** FAILURES DETECTED ***
"""
STANDS_STILL = "Starting test 2: TIMEOUTFAULT0003\r\nRunning test TIMEOUTFAULT0003 (Nested timeout)\n"
RELEASE_FAILED = """Starting test 2: FRAMEEXPORTS0001
\tFailure: result == SUCCESS at line 296 of file testtypes.c
\tError: result == SUCCESS at line 217 of file main.c
Starting test 3: Test all tests ran
Test suite failed. 141/142 tests passed.
"""


def test_a_run_without_a_failure() -> None:
    outcome = outcome_of(BEGIN + PASSED, 40)
    assert (outcome.passed, outcome.disabled, outcome.failed) == (142, 44, ())
    assert outcome.is_complete and str(outcome) == "142 passed, 44 disabled"


def test_failures_are_named_whether_or_not_the_driver_does() -> None:
    outcome = outcome_of(BEGIN + FAILED, 40)
    assert (outcome.passed, outcome.disabled, outcome.failed) == (141, None, ("SCHED_CONTEXT_0006",))
    assert not outcome.is_complete and str(outcome) == "141 passed, SCHED_CONTEXT_0006 failed"
    assert outcome_of(BEGIN + RELEASE_FAILED, 40).failed == ("FRAMEEXPORTS0001",)


def test_a_run_that_stands_still_says_where() -> None:
    outcome = outcome_of(BEGIN + STANDS_STILL, 300)
    assert not outcome.is_complete and str(outcome) == "stood still in TIMEOUTFAULT0003"
    assert str(outcome_of("OpenSBI v1.1\n", 300)) == "stood still in the start"


def test_a_row_counts_what_went_wrong() -> None:
    texts = [(PASSED, 41), (FAILED, 43), (STANDS_STILL, 300), (PASSED, 40)]
    series = Series("other", "tcg", [outcome_of(BEGIN + text, seconds) for text, seconds in texts])
    assert series.row() == (
        "| other | QEMU, plain TCG | 2 of 4 | 141, 142 | 44 | "
        "SCHED_CONTEXT_0006 failed (1), TIMEOUTFAULT0003 stood still (1) | 42 (40 to 300) |"
    )


def test_a_driver_that_is_not_there_is_named() -> None:
    command = [sys.executable, sel4test.__file__, "absent.elf", "--machine", "hosted"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=ENOUGH, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("sel4test: absent.elf: No such file or directory\n")
