"""The keyboard: keys that mean something to us, and all others."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import time
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


def typed(ends: tuple[int, int], keys: bytes) -> bytes | None:
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


def test_ctrl_a_and_x_may_come_apart(ends: tuple[int, int]) -> None:
    person, ours = ends
    with Terminal(ours) as terminal:
        os.write(person, b"\x01")
        assert terminal.read() == b""  # nothing for the machine, and not the end of the input
        os.write(person, b"x")
        with pytest.raises(Left):
            terminal.read()


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


SUSPENDED = """
import os, signal, sys
from contextlib import contextmanager
from pith.machine.terminal import Terminal

@contextmanager
def told():
    print("stands still", flush=True)
    yield
    print("goes on", flush=True)

with Terminal() as terminal:
    terminal.around_suspension = told
    print("began", flush=True)
    while terminal.read() != b"q":
        pass
"""


def test_suspended_the_terminal_is_the_shells_and_continued_ours(ends: tuple[int, int]) -> None:
    before = termios.tcgetattr(ends[1])
    with subprocess.Popen(
        [sys.executable, "-c", SUSPENDED], stdin=ends[1], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "began\n"
        raw = termios.tcgetattr(ends[1])
        assert raw != before
        for suspend in (signal.SIGTSTP, signal.SIGSTOP):  # the second cannot be noticed but by what follows
            child.send_signal(suspend)
            assert os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1])
            if suspend is signal.SIGTSTP:
                assert child.stdout.readline() == "stands still\n"
                assert termios.tcgetattr(ends[1]) == before
            termios.tcsetattr(ends[1], termios.TCSADRAIN, before)
            child.send_signal(signal.SIGCONT)
            if suspend is signal.SIGTSTP:
                assert child.stdout.readline() == "goes on\n"
            give_up = time.monotonic() + 60
            while termios.tcgetattr(ends[1]) != raw and time.monotonic() < give_up:
                time.sleep(0.01)
            assert termios.tcgetattr(ends[1]) == raw
        os.write(ends[0], b"q")
        assert child.wait(60) == 0
    assert termios.tcgetattr(ends[1]) == before


def test_a_pipe_is_passed_on_to_its_end() -> None:
    ours, other = os.pipe()
    with Terminal(ours) as terminal:
        os.write(other, b"\x01x\n")
        assert terminal.read() == b"\x01x\n"
        os.close(other)
        assert terminal.read() is None
    os.close(ours)
