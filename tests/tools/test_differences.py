"""The page on differences from seL4: every test that it names is there, and every difference names one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs/differences.md").read_text()
NAMED = sorted(set(re.findall(r"`(\w+/test_\w+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_a_named_test_exists(file: str, test: str) -> None:
    tree = ast.parse((TESTS / file).read_text())
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_difference_is_held_by_a_test() -> None:
    differences = [paragraph for paragraph in PAGE.split("\n\n") if paragraph.startswith("**")]
    assert len(differences) > 8
    assert [text for text in differences if "::test_" not in text] == []
