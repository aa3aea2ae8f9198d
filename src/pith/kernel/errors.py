"""What can go wrong in a system call, as declared failures: an operation raises, the system call layer answers.

One class per error code of the manual ("Errors"), with what the reply's message registers carry. Lookup
failures become FAILED_LOOKUP in an invocation and a capability fault elsewhere.
"""

from __future__ import annotations

from pith.abi.errors import LookupFailureKind
from pith.metal import Failure, u64


class InvalidArgument(Failure):
    """Argument number `argument` makes no sense here."""

    argument: u64


class InvalidCapability(Failure):
    """Capability argument number `argument` (0: the invoked one) is of the wrong type or unusable."""

    argument: u64


class IllegalOperation(Failure):
    """The operation is not possible on this capability, or not in this state."""


class RangeError(Failure):
    """A value must lie in `minimum`..`maximum`."""

    minimum: u64
    maximum: u64


class AlignmentError(Failure):
    """An address is not aligned as required."""


class TruncatedMessage(Failure):
    """The message has too few words or capabilities."""


class DeleteFirst(Failure):
    """The destination is occupied: delete what is there first."""


class RevokeFirst(Failure):
    """The capability has children: revoke it first."""


class NotEnoughMemory(Failure):
    """The untyped has only `available` bytes left."""

    available: u64


class LookupFailure(Failure):
    """A capability address did not lead to a slot.

    `word0`..`word2` as the manual lists them for `kind`: MISSING_CAPABILITY bits_left; DEPTH_MISMATCH
    bits_left, bits_found; GUARD_MISMATCH bits_left, guard found, guard size.
    """

    kind: LookupFailureKind
    word0: u64
    word1: u64
    word2: u64


class FailedLookup(Failure):
    """A capability that an invocation named could not be found; `is_source`: see the manual."""

    is_source: bool
    kind: LookupFailureKind
    word0: u64
    word1: u64
    word2: u64


class Preempted(Failure):
    """A long operation stopped at a consistent point because an interrupt waits; the call will be made again."""


class Faulted(Failure):
    """The thread itself faulted (its fault is in the thread): the fault goes to its handler."""
