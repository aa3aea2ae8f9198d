"""The keyboard: keys that mean something to us, and all others."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator

import pytest

from pith.machine.terminal import Left, Terminal


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """A terminal: the person's end and ours."""
    person, ours = pty.openpty()
    yield person, ours
    os.close(person)
    os.close(ours)


def typed(ends: tuple[int, int], keys: bytes) -> bytes:
    person, ours = ends
    with Terminal(ours) as terminal:
        os.write(person, keys)
        return terminal.read()


def test_keys_pass_as_they_are(ends: tuple[int, int]) -> None:
    assert typed(ends, b"ls\r\x04\x08") == b"ls\r\x04\x08"


@pytest.mark.parametrize("keys", [b"\x01x", b"a\x01X"])
def test_ctrl_a_x_leaves(ends: tuple[int, int], keys: bytes) -> None:
    with pytest.raises(Left):
        typed(ends, keys)


def test_ctrl_a_twice_is_a_ctrl_a_and_before_others_it_is_nothing(ends: tuple[int, int]) -> None:
    assert typed(ends, b"\x01\x01x\x01b") == b"\x01xb"


def test_the_terminal_is_given_back(ends: tuple[int, int]) -> None:
    before = termios.tcgetattr(ends[1])
    with Terminal(ends[1]) as terminal:
        raw = termios.tcgetattr(ends[1])
        assert raw[3] & (termios.ECHO | termios.ICANON) == 0 and raw[3] & termios.ISIG
        with terminal.lent():
            assert termios.tcgetattr(ends[1]) == before
        assert termios.tcgetattr(ends[1]) == raw
    assert termios.tcgetattr(ends[1]) == before


def test_a_pipe_is_passed_on_to_its_end() -> None:
    ours, other = os.pipe()
    with Terminal(ours) as terminal:
        os.write(other, b"\x01x\n")
        assert terminal.read() == b"\x01x\n"
        os.close(other)
        assert terminal.read() == b""
    os.close(ours)
