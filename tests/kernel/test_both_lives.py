"""The comparison of the two lives itself: it is made, and sees a difference wherever there may be one.

Only `pytest --both-lives` has two lives to compare.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pith.kernel import cspace, scheduler
from pith.kernel.errors import LookupFailure
from pith.kernel.notification import signal
from pith.kernel.objects import Notification, NotificationState, SchedContext
from pith.kernel.riscv64 import timer
from pith.kernel.state import kernel

from .conftest import World

Lives = Any  # both_lives.BothLives, which brings the compiler along


@pytest.fixture
def lives(request: pytest.FixtureRequest) -> Lives:
    plugin = request.config.pluginmanager.get_plugin("both_lives")
    if plugin is None:
        pytest.skip("CPython is alone; `pytest --both-lives tests/kernel`")
    return plugin


def spoil(lives: Lives, monkeypatch: pytest.MonkeyPatch, how: Callable[..., Any]) -> None:
    """Let the compiled kernel's calls end otherwise: `how(memory, number, words)` is the new outcome."""
    call = lives.compiled.call
    monkeypatch.setattr(lives.compiled, "call", lambda *a: how(lives.compiled.memory, *call(*a)))


def differs(call: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        call(*arguments)
    assert type(caught.value).__name__ == "Differs"
    return str(caught.value)


def test_a_call_is_made_in_both(world: World, lives: Lives) -> None:
    word, before = world.make(Notification), lives.compared
    signal(word, 5)
    assert lives.compared == before + 1


def test_other_memory(world: World, lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    word = world.make(Notification)
    signal(word, 1)
    offset = world.physical(word) - 0x8000_0000 + Notification.layout().fields["badge"].offset

    def scribble(memory: Any, *outcome: Any) -> Any:
        memory[offset] = 7
        return outcome

    spoil(lives, monkeypatch, scribble)
    assert "CPython 0x3, compiled 0x7" in differs(signal, word, 2)
    assert word.state is NotificationState.ACTIVE


def test_another_result(world: World, lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel.ticks_per_second = 10_000_000
    assert timer.to_ticks(5) == 50
    spoil(lives, monkeypatch, lambda _, number, words: (number, [51]))
    assert "CPython returns 50, compiled 51" in differs(timer.to_ticks, 5)


def test_another_failure(world: World, lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    thread = world.thread()
    with pytest.raises(LookupFailure):
        cspace.lookup_slot(thread, 1 << 63)
    spoil(lives, monkeypatch, lambda _, number, words: (0, [world.slot().address]))
    assert "CPython LookupFailure" in differs(cspace.lookup_slot, thread, 1 << 63)


def test_no_panic(world: World, lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    context = world.make(SchedContext, 256)  # of no thread
    with pytest.raises(AssertionError) as caught:
        scheduler.postpone(context)
    assert type(caught.value) is AssertionError
    spoil(lives, monkeypatch, lambda _, number, words: (0, words))
    assert "CPython raises AssertionError" in differs(scheduler.postpone, context)


def test_another_question(world: World, lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    timer.set_deadline(100)
    call, play = lives.compiled.call, lives.compiled.player.play
    monkeypatch.setattr(lives.compiled.player, "play", lambda record: play([]))
    assert "asks sbi_call" in differs(timer.set_deadline, 100)
    monkeypatch.setattr(lives.compiled.player, "play", play)
    monkeypatch.setattr(lives.compiled, "call", lambda *a: (0, []))
    assert "leaves out" in differs(timer.set_deadline, 100)
    monkeypatch.setattr(lives.compiled, "call", call)
    timer.set_deadline(100)
