"""Pith: a microkernel operating system written in Python.

The packages stand on floors (see docs/architecture.md); this file is the ground below the lowest of them.
It holds only what every floor may need: the version, and the one kind of error that is the user's to mend.
"""

__version__ = "0.1.0"


class UserError(Exception):
    """Something outside Pith is wrong: an input, an option, the host machine.

    `message` names what was wrong, `remedy` what to do about it. The command line prints both and no
    traceback. A fault of Pith itself is never a `UserError`.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
