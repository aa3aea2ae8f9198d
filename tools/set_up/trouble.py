"""What can go wrong while setting up, and what to do about it.

Most trouble is met by pip or `venv`, whose output says so in a hundred lines; a table of causes reads it.
What this script itself meets arrives as an `OSError`. Both become a `SetUpError`: one message, one remedy.
"""

import errno
import re
import subprocess


class SetUpError(Exception):
    """Something that the user must mend: what was wrong, and what to do about it."""

    def __init__(self, message, remedy):
        super().__init__(message)
        self.message = message
        self.remedy = remedy


DISK_FULL = SetUpError(
    "the disk is full",
    "make room (about 1 GB), then run the same command again: it goes on where it stopped",
)
NO_NETWORK = SetUpError(
    "no network: the Python package index cannot be reached",
    "check the connection (or set HTTPS_PROXY or PIP_INDEX_URL), then run the same command again",
)
NOT_IN_THE_INDEX = SetUpError(
    "no network, or pip is set to an index that does not have what Pith needs",
    "check the connection and pip's settings (pip config list; PIP_INDEX_URL, PIP_NO_INDEX), then run the same "
    "command again",
)
NOT_WRITABLE = SetUpError(
    "the clone's directory cannot be written",
    "clone Pith into a directory of your own, or mend the owner: chown -R $USER .",
)

CAUSES = (
    ("No space left on device|Disk quota exceeded", DISK_FULL),
    (
        "Failed to establish a new connection|Temporary failure in name resolution|Name or service not known"
        "|Max retries exceeded|Network is unreachable|Connection refused|Read timed out|ConnectTimeout"
        "|ProxyError|Connection broken|SSLError|ReadTimeoutError|ConnectTimeoutError|RemoteDisconnected"
        "|Connection aborted|Connection reset|No route to host|Tunnel connection failed"
        "|CERTIFICATE_VERIFY_FAILED|nodename nor servname|HTTP error 5[0-9][0-9]",
        NO_NETWORK,
    ),
    ("No matching distribution found|Could not find a version that satisfies", NOT_IN_THE_INDEX),
    (r"Read-only file system|Permission denied|Operation not permitted", NOT_WRITABLE),
)


def explain_output(output, otherwise):
    """The error that a tool's output speaks of; when none is known, `otherwise` and the tool's last words."""
    for pattern, error in CAUSES:
        if re.search(pattern, output):
            return error
    last_words = "\n".join("      | " + line for line in output.strip().splitlines()[-12:])
    return SetUpError(
        f"{otherwise}; the last words were\n{last_words}",
        "if they do not help: rm -rf .venv, then run the same command again",
    )


def explain_refusal(error):
    """The error for what the operating system refused to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NOT_WRITABLE
    return SetUpError(f"{error.filename}: {error.strerror}", "mend that, then run the same command again")


def run_captured(command, **options):
    """Run a command to its end; both of its outputs come back as one text."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    )


def say(line):
    """One line of progress, seen at once even through a pipe."""
    print(line, flush=True)
