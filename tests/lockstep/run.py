"""Runs: worlds driven step by step, looked at after each, and what is said when something is wrong.

`Runner` boots all lives and has the town built, step by step, and keeps what came of it; each run begins from there. `play` drives all lives through steps, asked for one
by one, and after each compares what the kernel answered, what it told its processor, and all of memory; the invariants
are checked as often as one likes. A run that fails raises `Wrong` with its steps; `shortened` leaves out what does not matter.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random

from pith.abi.messages import MessageInfo
from pith.kernel.cspace import slot_at
from pith.kernel.objects import Register, UntypedCap
from pith.kernel.state import kernel
from pith.metal import memory
from pith.verify.census import Violation
from pith.verify.check import Checker

from . import town
from .builds import Build
from .compiled import Compiled
from .emulated import Emulated
from .grammar import next_step
from .processor import Asleep
from .steps import Step
from .world import IMAGE, Interpreted, Life, buffer_word, current, load, prepare, registers_word

_differ = ctypes.CDLL(None).memcmp
_differ.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]


class Wrong(AssertionError):
    """A run that went wrong: after which steps, and how."""

    def __init__(self, reason: str, steps: list[Step], violates: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.steps = reason, steps
        self.violates = violates  # an invariant, which is looked for in shorter runs too

    def __reduce__(self) -> tuple[type[Wrong], tuple[str, list[Step], bool]]:
        return type(self), (self.reason, self.steps, self.violates)  # it may have to reach another process

    def __str__(self) -> str:
        shown = "\n".join(f"    {step!r}," for step in self.steps)
        return f"{self.reason}\nafter these steps:\n[\n{shown}\n]"


class Runner:
    """The lives of one build: CPython's, and those of `others`, made while it is installed, as this is.

    They boot, and the initial thread builds the town in them; all runs begin there.
    """

    def __init__(
        self,
        build: Build,
        others: Iterable[Callable[[Build], Life]] = (),
        check: Callable[[], list[Violation]] | None = None,
    ) -> None:
        self.build = build
        self.main = Interpreted(build)
        self.lives: list[Life] = [self.main, *(make(build) for make in others)]
        self._places = [ctypes.addressof(ctypes.c_char.from_buffer(life.words)) for life in self.lives]
        self.check = check or Checker().check
        self._fresh = self.main.processor.state()
        self.runs = self.calls = self.checks = 0
        self.boot()
        self._build_town()
        self.beginning = bytes(self.main.memory), self.main.processor.state()

    def boot(self, image: int = IMAGE, pages: int = 1) -> None:
        """From the loader to the first thread, whose image is so large; what a step compares is compared here, too."""
        self.main.attach()
        arguments = load(self.lives, self.build, image, pages)
        for life in self.lives:
            life.processor.restore(self._fresh)
            life.processor.prepare(0, 0, 0)
        self._compare([_outcome(life.boot, arguments) for life in self.lives])

    def _build_town(self) -> None:
        """Let the initial thread build the town; all that it asks for must be done."""
        for step in town.build(_largest_untyped()):
            builder = current()
            self.step(step)
            info = MessageInfo.from_bits(builder.registers[Register.A1])
            assert info.label == 0, f"{step}: {info}"

    def restart(self) -> None:
        """Let every life begin where the town is built."""
        if memory.buffer is not self.main.memory:
            self.main.attach()
        content, processor = self.beginning
        for life, place in zip(self.lives, self._places, strict=True):
            ctypes.memmove(place, content, len(content))
            life.processor.restore(processor)

    # One step -----------------------------------------------------------------------------------------------

    def step(self, step: Step) -> None:
        """One kernel entry in every life. Raises Asleep when nobody will ever run, Wrong (without steps) at a difference."""
        thread = current()
        registers, buffer = registers_word(thread), buffer_word(thread)
        for life in self.lives:
            prepare(life, step, registers, buffer)
        self._compare([_outcome(life.enter, step.cause, step.value) for life in self.lives])
        self.calls += 1

    def _compare(self, outcomes: list[int | BaseException]) -> None:
        """Raise what all lives raised, or Wrong unless they did the same and have the same memory."""
        first, *rest = outcomes
        for life, place, other in zip(self.lives[1:], self._places[1:], rest, strict=True):
            self._same(life, place, first, other)
        if isinstance(first, BaseException):
            raise first if isinstance(first, Asleep) else Wrong(_told(first), []) from first

    def _same(self, life: Life, place: int, first: int | BaseException, other: int | BaseException) -> None:
        if isinstance(first, Asleep) and isinstance(other, Asleep):
            return
        if isinstance(first, BaseException) or isinstance(other, BaseException) or first != other:
            raise Wrong(f"CPython: {_told(first)}; {type(life).__name__}: {_told(other)}", [])
        mine, theirs = self.main.processor, life.processor
        if mine.log != theirs.log or mine.state() != theirs.state():
            raise Wrong(f"CPython told the processor {mine.log}, {type(life).__name__} {theirs.log}", [])
        if _differ(self._places[0], place, self.build.ram_bytes):
            raise Wrong(f"{type(life).__name__} leaves other memory:\n{self._difference(life)}", [])

    def _difference(self, life: Life) -> str:
        pairs = enumerate(zip(self.main.words, life.words, strict=True))
        lines = [
            f"  {self.build.base + 8 * i:#x}: {mine:#x}, {other:#x}{_place(self.build.base + 8 * i)}"
            for i, (mine, other) in pairs
            if mine != other
        ]
        return "\n".join(lines[:12]) + (f"\n  and {len(lines) - 12} more" if len(lines) > 12 else "")

    # Runs ---------------------------------------------------------------------------------------------------

    def play(self, steps: Iterable[Step], check_every: int = 1) -> int:
        """From the beginning through these steps, or until all sleep; how many were made. Raises Wrong."""
        self.restart()
        self.runs += 1
        done: list[Step] = []
        for step in steps:
            done.append(step)
            try:
                self.step(step)
            except Asleep:
                break
            except Wrong as wrong:
                raise Wrong(wrong.reason, done) from wrong.__cause__
            if check_every and len(done) % check_every == 0:
                self._require(done)
        return len(done)

    def _require(self, done: list[Step]) -> None:
        self.checks += 1
        violations = self.check()
        if violations:
            raise Wrong("\n".join(map(str, violations)), done, violates=True)

    def play_at_random(self, random: Random, length: int, check_every: int = 1) -> int:
        """The same with `length` steps by the grammar."""
        return self.play(_at_random(random, length), check_every)

    def shortened(self, wrong: Wrong) -> Wrong:
        """The same kind of failure in fewer steps: halves are left out, then quarters, down to single steps."""
        size = max(len(wrong.steps) // 2, 1)
        violates = wrong.violates
        wrong = self._again(wrong.steps, violates) or wrong  # with every step checked it may come sooner
        while True:
            start = 0
            while start < len(wrong.steps):
                shorter = self._again(wrong.steps[:start] + wrong.steps[start + size :], violates)
                if shorter is None or len(shorter.steps) >= len(wrong.steps):
                    start += size
                else:
                    wrong = shorter
            if size == 1:
                return wrong
            size //= 2

    def _again(self, steps: list[Step], check: bool) -> Wrong | None:
        try:
            self.play(steps, check_every=int(check))
        except Wrong as wrong:
            return wrong
        return None


def with_all_lives(build: Build, directory: Path) -> Runner:
    """Every life that the build can have: compiled code in this process needs a low window."""
    in_this_process = [Compiled] if build.window >> 47 == 0 else []
    return Runner(build, [*in_this_process, lambda build: Emulated(build, directory)])


def _at_random(random: Random, length: int) -> Iterator[Step]:
    for _ in range(length):
        yield next_step(random)


def _outcome(enter: Callable[..., int], *arguments: object) -> int | BaseException:
    try:
        return enter(*arguments)
    except (Asleep, Exception) as problem:
        return problem


def _told(outcome: int | BaseException) -> str:
    if isinstance(outcome, int):
        return f"thread at {outcome:#x} goes on"
    return f"{type(outcome).__name__}: {outcome}"


def _place(address: int) -> str:
    """Which field of the kernel's own state lies at an address, if any."""
    offset = address - kernel.address
    fields = [f for f in type(kernel).layout().fields.values() if f.offset <= offset]
    return f" kernel.{fields[-1].name}" if fields and offset < type(kernel).layout().size else ""


def _largest_untyped() -> int:
    """The slot of the largest untyped that is no device."""
    sizes: dict[int, int] = {}
    for index in range(1 << kernel.root.radix):
        cap = slot_at(kernel.root, index).cap
        if isinstance(cap, UntypedCap) and not cap.is_device:
            sizes[index] = cap.size_bits
    return max(sizes, key=lambda index: sizes[index])
