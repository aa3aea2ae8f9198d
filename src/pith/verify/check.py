"""All invariants together, and what is said when one does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from . import (
    address_spaces,
    contexts,
    derivation,
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
)


class InvariantsViolated(AssertionError):
    """The kernel's memory is not as it must be."""

    def __init__(self, violations: list[Violation], when: str) -> None:
        lines = "\n".join(f"  {violation}" for violation in violations)
        super().__init__(f"{len(violations)} violations {when}:\n{lines}")
        self.violations = violations


def check_all(rules: Iterable[Rule] = RULES) -> list[Violation]:
    """Every violation of the rules in the memory that is attached; what cannot be read is one, too."""
    census = take_census()
    return [*census.unreadable, *(v for rule in rules for v in _apply(rule, census))]


def _apply(rule: Rule, census: Census) -> Iterator[Violation]:
    try:
        for violation in rule(census):
            yield violation._replace(rule=rule.__name__)
    except UNREADABLE as problem:
        found = f"{type(problem).__name__}: {problem}"
        yield Violation("what the rule reads", found, "memory that can be read", rule.__name__)


def require_all(when: str = "in the kernel's memory", rules: Iterable[Rule] = RULES) -> None:
    """Raise InvariantsViolated unless everything holds."""
    violations = check_all(rules)
    if violations:
        raise InvariantsViolated(violations, when)
