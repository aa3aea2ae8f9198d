"""Error codes of invocations, and kinds of failed capability lookup (manual, "Errors")."""

from enum import IntEnum


class ErrorCode(IntEnum):
    """The label of an invocation's reply; what goes into the message registers with it, see the manual."""

    NO_ERROR = 0
    INVALID_ARGUMENT = 1
    INVALID_CAPABILITY = 2
    ILLEGAL_OPERATION = 3
    RANGE_ERROR = 4
    ALIGNMENT_ERROR = 5
    FAILED_LOOKUP = 6
    TRUNCATED_MESSAGE = 7
    DELETE_FIRST = 8
    REVOKE_FIRST = 9
    NOT_ENOUGH_MEMORY = 10


class LookupFailureKind(IntEnum):
    """How a capability lookup failed."""

    NO_FAILURE = 0
    INVALID_ROOT = 1
    MISSING_CAPABILITY = 2
    DEPTH_MISMATCH = 3
    GUARD_MISMATCH = 4
