"""What the grammar reaches: every error of every invocation that the kernel's own tests know, and the rarer events."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from .builds import RELEASE
from .run import Runner
from .tally import PREEMPTED, Tally

MOST = 400_000  # entries; mostly a fifth of them are enough
TABLE = Path(__file__).parents[2] / "docs" / "api-table.md"
# What no run comes to, and why.
BEYOND = {
    ("ASID_POOL_ASSIGN", "DELETE_FIRST"): "a pool full of 512 address spaces",
    ("ASID_POOL_ASSIGN", "FAILED_LOOKUP"): "a capability to a pool that is no more",
}
LONG = ("UNTYPED_RETYPE", "CNODE_REVOKE", "CNODE_DELETE")  # they may be interrupted
EVENTS = frozenset((
    "fast path, CALL", "fast path, REPLY_RECV", "fast path, SEND", "fast path, WAIT",
    "capability received", "capability not received", "badge unwrapped",
    "fault CAPABILITY, told", "fault UNKNOWN_SYSCALL, told", "fault USER_EXCEPTION, told", "fault VM, told",
    "fault TIMEOUT, told", "fault VM, with no handler", "fault answered, resumed", "fault answered, stopped",
    "device interrupt", "floating point given", "domain begun", "thread postponed", "slice ended",
    "yield finished", "yield cancelled", "time lent by a notification",
))  # fmt: skip


def in_the_table() -> set[tuple[str, str]]:
    """Invocations with the errors that the table of the API has for them, with success, and with interruption."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+)", TABLE.read_text(), re.MULTILINE)
    errors = {(label, re.sub(r"(?<!^)(?=[A-Z])", "_", error).upper()) for label, error in rows}
    return errors | {(label, "NO_ERROR") for label, _ in errors} | {(label, PREEMPTED) for label in LONG}


@pytest.mark.slow
def test_every_outcome_of_every_invocation(release: None, capsys: pytest.CaptureFixture[str]) -> None:
    """CPython's kernel alone, for what it reaches is what all reach."""
    runner, tally = Runner(RELEASE), Tally()
    expected = in_the_table() - set(BEYOND)
    assert len(expected) > 200, "the table is read"

    def missing() -> set[object]:
        return expected.difference(tally.invocations).union(EVENTS.difference(tally.events))

    with tally.counting():
        while missing() and runner.calls < MOST:
            runner.play_at_random(Random(f"reach {runner.runs}"), 1000, check_every=0)
    assert not missing(), f"never reached in {runner.calls} entries"
    assert not set(BEYOND).intersection(tally.invocations), "these are reached after all"
    with capsys.disabled():
        print(f"\nlockstep: all {len(expected)} outcomes of invocations reached in {runner.calls:,} entries")
