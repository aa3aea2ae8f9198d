"""Write docs/api-table.md: every invocation, every error that it can answer with, and the tests that show it.

The table is observed, not claimed: this runs the kernel's tests, writes down which failures each invocation
raised in which test, and sets them beside the errors that the manual names for it. A hole is an error that the manual
names and no test shows; each has a reason in UNREACHABLE, or the tool fails.

    python tools/api_table.py           write the page
    python tools/api_table.py --check   fail if it is not what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/api-table.md"

# What the manual names for each invocation (API reference), in the order of the labels.
NAMED = """
UNTYPED_RETYPE DeleteFirst FailedLookup IllegalOperation InvalidArgument InvalidCapability NotEnoughMemory RangeError
TCB_READ_REGISTERS IllegalOperation InvalidCapability RangeError
TCB_WRITE_REGISTERS IllegalOperation InvalidCapability
TCB_COPY_REGISTERS IllegalOperation InvalidCapability
TCB_CONFIGURE AlignmentError IllegalOperation InvalidCapability RevokeFirst
TCB_SET_PRIORITY IllegalOperation InvalidCapability RangeError
TCB_SET_MC_PRIORITY IllegalOperation InvalidCapability RangeError
TCB_SET_SCHED_PARAMS IllegalOperation InvalidCapability RangeError
TCB_SET_TIMEOUT_ENDPOINT IllegalOperation InvalidCapability
TCB_SET_IPC_BUFFER AlignmentError IllegalOperation InvalidCapability RevokeFirst
TCB_SET_SPACE IllegalOperation InvalidCapability RevokeFirst
TCB_SUSPEND IllegalOperation InvalidCapability
TCB_RESUME IllegalOperation InvalidCapability
TCB_BIND_NOTIFICATION IllegalOperation InvalidCapability
TCB_UNBIND_NOTIFICATION IllegalOperation InvalidCapability
TCB_SET_TLS_BASE IllegalOperation InvalidCapability
TCB_SET_FLAGS InvalidCapability
CNODE_REVOKE FailedLookup IllegalOperation InvalidCapability RangeError
CNODE_DELETE FailedLookup IllegalOperation InvalidCapability RangeError
CNODE_CANCEL_BADGED_SENDS FailedLookup IllegalOperation InvalidCapability RangeError
CNODE_COPY DeleteFirst FailedLookup IllegalOperation InvalidCapability RangeError RevokeFirst
CNODE_MINT DeleteFirst FailedLookup IllegalOperation InvalidCapability RangeError RevokeFirst
CNODE_MOVE DeleteFirst FailedLookup IllegalOperation InvalidCapability RangeError
CNODE_MUTATE DeleteFirst FailedLookup IllegalOperation InvalidCapability RangeError
CNODE_ROTATE DeleteFirst FailedLookup IllegalOperation InvalidCapability RangeError
IRQ_ISSUE_IRQ_HANDLER DeleteFirst FailedLookup IllegalOperation InvalidCapability RangeError RevokeFirst
IRQ_ACK_IRQ IllegalOperation InvalidCapability
IRQ_SET_IRQ_HANDLER IllegalOperation InvalidCapability
IRQ_CLEAR_IRQ_HANDLER IllegalOperation InvalidCapability
DOMAIN_SET IllegalOperation InvalidArgument InvalidCapability
DOMAIN_SCHEDULE_CONFIGURE IllegalOperation InvalidArgument RangeError
DOMAIN_SCHEDULE_SET_START IllegalOperation InvalidArgument RangeError
SCHED_CONTROL_CONFIGURE_FLAGS IllegalOperation InvalidCapability RangeError
SCHED_CONTEXT_BIND IllegalOperation InvalidCapability
SCHED_CONTEXT_UNBIND IllegalOperation InvalidCapability
SCHED_CONTEXT_UNBIND_OBJECT IllegalOperation InvalidCapability
SCHED_CONTEXT_CONSUMED IllegalOperation InvalidCapability
SCHED_CONTEXT_YIELD_TO IllegalOperation InvalidCapability
PAGE_TABLE_MAP DeleteFirst FailedLookup IllegalOperation InvalidArgument InvalidCapability
PAGE_TABLE_UNMAP IllegalOperation InvalidCapability RevokeFirst
PAGE_MAP AlignmentError DeleteFirst FailedLookup IllegalOperation InvalidArgument InvalidCapability
PAGE_UNMAP IllegalOperation InvalidCapability
PAGE_GET_ADDRESS IllegalOperation InvalidCapability
ASID_CONTROL_MAKE_POOL DeleteFirst FailedLookup IllegalOperation InvalidCapability RangeError RevokeFirst
ASID_POOL_ASSIGN DeleteFirst IllegalOperation InvalidCapability
IRQ_ISSUE_IRQ_HANDLER_TRIGGER DeleteFirst FailedLookup IllegalOperation InvalidCapability RangeError RevokeFirst
"""

# What the manual names and this kernel never answers: why.
UNREACHABLE: dict[tuple[str, str], str] = {}

# Tests that make failures without looking at which: they show nothing.
BLIND = ("test_no_message_crashes_the_kernel", "test_a_label_of_nobody")

SHOWN = 3  # tests in a row of the table

HEAD = """# Invocations and their errors

`python tools/api_table.py` writes this page from what the kernel's tests do: for each invocation, the errors that
the manual names and those that came besides (\u2020), each with tests that show it. Every invocation of an empty slot,
or of a capability that cannot be invoked, is `InvalidCapability`; of another kind of object, `IllegalOperation`.

"""


class Shown(NamedTuple):
    label: str
    error: str
    test: str


class Recorder:
    """A pytest plugin that writes down each failure of an invocation, with the test that it came in."""

    def __init__(self) -> None:
        self.rows: set[Shown] = set()
        self.pending: set[tuple[str, str]] = set()
        self.failed: list[str] = []

    def pytest_collection_finish(self) -> None:
        from pith.kernel import (
            cnode,
            context_invocation,
            domain,
            interrupt,
            invocation,
            thread_invocation,
            untyped,
        )
        from pith.kernel.riscv64 import asid, frame, page_table

        for module in (cnode, untyped, domain, frame, page_table, invocation):
            self.watch(module, "invoke")
        for module in (interrupt, context_invocation, asid, invocation):
            self.watch(module, "invoke_control")
        self.watch(interrupt, "invoke_handler")
        self.watch(asid, "invoke_pool")
        for module in (context_invocation, invocation):
            self.watch(module, "invoke_context")
        for module in (thread_invocation, invocation):
            self.watch(module, "invoke_thread")

    def watch(self, module: Any, name: str) -> None:
        """Have the module's function tell of its failures."""
        from pith.abi.labels import Label
        from pith.metal import Failure

        function: Callable[..., Any] = getattr(module, name)

        def watched(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except Failure as failure:
                label = arguments[-1].label
                if 0 < label < len(Label):
                    self.pending.add((Label(label).name, type(failure).__name__))
                raise

        setattr(module, name, watched)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        place, _, test = report.nodeid.partition("::")
        name = test.partition("[")[0]
        if report.failed:
            self.failed.append(report.nodeid)
        elif name not in BLIND:
            self.rows |= {Shown(*pair, f"{Path(place).name}::{name}") for pair in self.pending}
        self.pending.clear()


def observe() -> set[Shown]:
    """Run the kernel's tests; what they showed."""
    recorder = Recorder()
    pytest.main(
        [
            "-q",
            "-p",
            "no:cacheprovider",
            "-m",
            "not slow and not qemu and not soak",
            str(ROOT / "tests/kernel"),
        ],
        plugins=[recorder],
    )
    if recorder.failed:
        sys.exit("api_table: tests fail: " + ", ".join(recorder.failed))
    return recorder.rows


def named() -> dict[str, list[str]]:
    """Label to the errors that the manual names for it."""
    return {label: errors for label, *errors in (line.split() for line in NAMED.split("\n") if line)}


def holes(rows: set[Shown]) -> Iterator[tuple[str, str]]:
    """What the manual names, no test shows, and nobody explained."""
    shown = {(row.label, row.error) for row in rows}
    for label, errors in named().items():
        for error in errors:
            if (label, error) not in shown and (label, error) not in UNREACHABLE:
                yield label, error


def page(rows: set[Shown]) -> str:
    return HEAD + "\n".join(lines(rows)) + "\n"


def lines(rows: set[Shown]) -> Iterator[str]:
    yield "| invocation | error | shown by |"
    yield "| --- | --- | --- |"
    for label, errors in named().items():
        others = sorted({row.error for row in rows if row.label == label} - {*errors, "Preempted"})
        for error in [*errors, *others]:
            tests = sorted(row.test for row in rows if (row.label, row.error) == (label, error))
            mark = "" if error in errors else " \u2020"
            cell = ", ".join(f"`{test}`" for test in tests[:SHOWN])
            yield f"| `{label}` | {error}{mark} | {cell or UNREACHABLE[label, error]} |"


def main() -> int:
    rows = observe()
    missing = list(holes(rows))
    for label, error in missing:
        print(f"api_table: no test shows {error} of {label}")
    if missing:
        return 1
    text = page(rows)
    if "--check" in sys.argv:
        if PAGE.read_text() == text:
            return 0
        print("api_table: docs/api-table.md is out of date\n    try: python tools/api_table.py")
        return 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
