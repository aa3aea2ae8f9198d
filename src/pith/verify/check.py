"""All invariants together, and what is said when one does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pith.metal import memory

from . import (
    address_spaces,
    contexts,
    derivation,
    floats,
    lifetime,
    queues,
    ready,
    release,
    replies,
    threads,
    untypeds,
)
from .census import UNREADABLE, Census, Violation, take_census

Rule = Callable[[Census], Iterator[Violation]]

RULES: tuple[Rule, ...] = (
    *derivation.RULES,
    *lifetime.RULES,
    *untypeds.RULES,
    *threads.RULES,
    *queues.RULES,
    *ready.RULES,
    *release.RULES,
    *contexts.RULES,
    *replies.RULES,
    *address_spaces.RULES,
    *floats.RULES,
)

# Rules that look at nothing but what slots hold, which few kernel entries change, and that are most of the work.
OF_SLOTS: frozenset[Rule] = frozenset(
    (
        derivation.neighbours_point_at_each_other,
        derivation.every_order_has_a_beginning,
        derivation.capabilities_to_one_object_stand_together,
        derivation.the_original_stands_first,
        derivation.badge_families_begin_marked,
        lifetime.objects_lie_in_the_used_part_of_their_untyped,
        lifetime.untypeds_hold_their_descendants_only,
        *untypeds.RULES,
    )
)

Slots = tuple[int, dict[int, tuple[int, ...]]]  # where memory begins; the raw words of every slot in it


class InvariantsViolated(AssertionError):
    """The kernel's memory is not as it must be."""

    def __init__(self, violations: list[Violation], when: str) -> None:
        lines = "\n".join(f"  {violation}" for violation in violations)
        super().__init__(f"{len(violations)} violations {when}:\n{lines}")
        self.violations = violations


class Checker:
    """Asks the same rules again and again, those of slots only if any slot is not as it was when they last held."""

    def __init__(self, rules: Iterable[Rule] = RULES) -> None:
        self.rules = tuple(rules)
        self._in_order: Slots | None = None

    def check(self) -> list[Violation]:
        """Every violation in the memory that is attached; what cannot be read is one, too."""
        census = take_census()
        slots = memory.base, census.contents
        rules = [rule for rule in self.rules if rule not in OF_SLOTS or slots != self._in_order]
        violations = [*census.unreadable, *(v for rule in rules for v in _apply(rule, census))]
        if not violations:
            self._in_order = slots
        return violations

    def require(self, when: str = "in the kernel's memory") -> None:
        """Raise InvariantsViolated unless everything holds."""
        violations = self.check()
        if violations:
            raise InvariantsViolated(violations, when)


def check_all(rules: Iterable[Rule] = RULES) -> list[Violation]:
    """Every violation of the rules in the memory that is attached."""
    return Checker(rules).check()


def _apply(rule: Rule, census: Census) -> Iterator[Violation]:
    try:
        for violation in rule(census):
            yield violation._replace(rule=rule.__name__)
    except UNREADABLE as problem:
        found = f"{type(problem).__name__}: {problem}"
        yield Violation("what the rule reads", found, "memory that can be read", rule.__name__)


def require_all(when: str = "in the kernel's memory", rules: Iterable[Rule] = RULES) -> None:
    """Raise InvariantsViolated unless everything holds."""
    Checker(rules).require(when)
