"""clang and lld, as the Python package ziglang brings them.

zig keeps caches of its own in the user's home. They would hold what ours holds, grow without a limit, and stop the compiler
where the home cannot be written. So each run gets an empty one beside what it makes, which goes when it ends.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from pith import UserError

_NO_ROOM = re.compile(r"No space left on device|NoSpaceLeft|Disk quota exceeded|DiskQuota")


class ToolError(Exception):
    """clang or lld refused its input: the text says which, and why; `said` is all that it said."""

    def __init__(self, tool: str, status: int, said: str) -> None:
        super().__init__(f"{tool} failed ({status}):\n{said}")
        self.said = said


def run(tool: str, *arguments: str, directory: Path) -> str:
    """Run `cc` or `ld.lld`, which writes into `directory`; what it said, warnings that is.

    Raises ToolError when it refuses its input, OSError when the disk is full, UserError when there is no ziglang or it was killed.
    """
    with tempfile.TemporaryDirectory(prefix="zig-", dir=directory, ignore_cleanup_errors=True) as scratch:
        caches = {"ZIG_GLOBAL_CACHE_DIR": scratch, "ZIG_LOCAL_CACHE_DIR": scratch}
        done = subprocess.run(
            [sys.executable, "-m", "ziglang", tool, *arguments],
            env={**os.environ, **caches},
            capture_output=True,
            text=True,
            errors="replace",  # a source that is not UTF-8 is quoted as it is
            check=False,
        )
    if not done.returncode:
        return (done.stdout + done.stderr).strip()
    if "No module named ziglang" in done.stderr:
        raise UserError("clang and lld are missing: the Python package ziglang has them", "make set-up")
    if done.returncode == -signal.SIGBUS or _NO_ROOM.search(done.stderr):  # lld writes through a mapping
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(directory))
    name = {"cc": "clang", "ld.lld": "lld"}[tool]
    if done.returncode < 0:
        how = signal.Signals(-done.returncode).name
        raise UserError(
            f"{name} was ended by {how}", "end other programs, if memory is short, and run it again"
        )
    raise ToolError(name, done.returncode, done.stderr.strip() or done.stdout.strip())
