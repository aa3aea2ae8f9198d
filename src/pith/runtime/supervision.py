"""The one convention between every component and whoever started it.

Slot 1 of a component's capability space is an endpoint to its supervisor, badged so that the supervisor knows
who speaks. The kernel sends the component's fault messages there too (their labels are below 16). What else a
component may touch stands in the slots from 2 on, as its own file lists them.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

SUPERVISOR: Final = 1
FIRST_OWN_SLOT: Final = 2


class SupervisorCall(IntEnum):
    """What a component may tell its supervisor."""

    READY = 16  # a server: I have set myself up. Answered at once
    FINISHED = 17  # my work is done: stop me
