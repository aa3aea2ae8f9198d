"""Sizes and files on the command line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pith import UserError
from pith.cli.arguments import check_readable, check_writable, parse_size
from pith.cli.errors import UsageError


@pytest.mark.parametrize(
    "text, size",
    [("0", 0), ("4096", 4096), ("4k", 4096), ("128M", 2**27), ("2GiB", 2**31), (" 1 mb ", 2**20), ("7B", 7)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.integers(0, 10**17), st.sampled_from([("", 1), ("K", 2**10), ("M", 2**20), ("G", 2**30)]))
def test_any_number_with_any_unit(number: int, unit: tuple[str, int]) -> None:
    assert parse_size(f"{number}{unit[0]}") == number * unit[1]


@pytest.mark.parametrize("text", ["", "M", "-1", "1.5G", "1T", "0x10", "1 2", "128 MM", "9" * 5000, "٣"])
def test_what_is_not_a_size(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize("name, complaint", [("absent", "No such file"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint) as refused:
        check_readable(tmp_path / name, "a program")
    assert refused.value.remedy == "name a program"


def test_a_file_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    check_writable(tmp_path / "there")
    check_writable(tmp_path / "new")
    assert [file.name for file in tmp_path.iterdir()] == ["there"] and (tmp_path / "there").read_text() == "x"


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere/file: there is no directory"):
        check_writable(tmp_path / "nowhere" / "file")
    with pytest.raises(UserError, match="it is a directory"):
        check_writable(tmp_path)
