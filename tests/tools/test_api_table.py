"""The table of invocations and errors: complete, about tests that exist, and up to date."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import api_table
from pith.abi.errors import ErrorCode
from pith.abi.labels import Label

TEXT = api_table.PAGE.read_text()
ROWS = re.findall(r"^\| `(\w+)` \| (\w+)( †)? \| (.*) \|$", TEXT, re.MULTILINE)


def test_every_invocation_has_a_row_for_every_error_that_the_manual_names() -> None:
    named = api_table.named()
    assert list(named) == [label.name for label in Label if label is not Label.INVALID]
    errors = {code.name.replace("_", "").lower() for code in ErrorCode}
    rows = {(label, error): cell for label, error, _, cell in ROWS}
    for label, expected in named.items():
        for error in expected:
            assert error.lower() in errors
            assert rows[label, error]


def test_every_test_in_the_table_exists() -> None:
    shown = {name for *_, cell in ROWS for name in re.findall(r"`([\w.]+::\w+)`", cell)}
    assert len(shown) > 50
    for name in shown:
        file, test = name.split("::")
        assert f"def {test}(" in (api_table.ROOT / "tests/kernel" / file).read_text()


def test_holes_are_found() -> None:
    rows = {
        api_table.Shown(label, error, "test_x.py::test_x")
        for label, errors in api_table.named().items()
        for error in errors
    }
    assert list(api_table.holes(rows)) == []
    assert list(
        api_table.holes({row for row in rows if row.label != "CNODE_MOVE" or row.error != "RangeError"})
    ) == [("CNODE_MOVE", "RangeError")]


@pytest.mark.slow
def test_the_page_is_up_to_date() -> None:
    tool = api_table.ROOT / "tools/api_table.py"
    result = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
