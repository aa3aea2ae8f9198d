"""Notifications: a word of flags that one side raises and the other waits for. Nobody blocks to signal.

The badge of the capability that was used to signal is or-ed into the word; a wait takes the word and clears
it. So several signals before one wait are one: it says that something happened, not how often.
"""

from __future__ import annotations

from pith.metal import u64

from . import syscalls
from .capability import CPtr


def signal(notification: CPtr) -> None:
    """Raise this capability's badge bits."""
    syscalls.send(notification)


def wait(notification: CPtr) -> u64:
    """Wait until some bit is raised; take them all."""
    return syscalls.wait(notification).badge


def poll(notification: CPtr) -> u64:
    """The bits that are raised now; 0 if none."""
    return syscalls.nb_wait(notification).badge
