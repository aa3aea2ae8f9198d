"""Pith: a microkernel operating system written in Python.

The packages stand on floors (see docs/architecture.md); this file is the ground below the lowest of them.
It holds only what every floor may need: the version, the one kind of error that is the user's to mend, and
where Pith keeps what it can make again.
"""

import os
from pathlib import Path

__version__ = "0.1.0"


class UserError(Exception):
    """Something outside Pith is wrong: an input, an option, the host machine.

    `message` names what was wrong, `remedy` what to do about it. The command line prints both and no
    traceback. A fault of Pith itself is never a `UserError`.
    """

    exit_code = 1
    speaks_for_itself = False  # a message in a form of its own, such as file:line: the command adds nothing

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def cache_directory() -> Path:
    """Where compiled modules and other things that can be made again are kept; it need not exist yet.

    `PITH_CACHE` names another place, such as one on a faster disk, or one for a single test. Raises UserError for a
    user without a home directory.
    """
    named = os.environ.get("PITH_CACHE")
    if named:
        return Path(named)
    shared = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(shared) if shared else Path.home() / ".cache") / "pith"
    except RuntimeError:
        raise UserError(
            "there is no home directory to keep compiled programs in", "export PITH_CACHE=/a/directory"
        ) from None
