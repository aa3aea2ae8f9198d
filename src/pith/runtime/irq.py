"""Interrupts, as notifications.

A driver is an ordinary program: it waits on a notification. The kernel signals it when the interrupt line
fires and masks the line; `ack` says that the device has been served, and lets the line fire again.
"""

from __future__ import annotations

from typing import Final

from pith.abi.labels import Label
from pith.metal import u64

from .capability import CPtr, Place
from .invocation import invoke, pass_cap

LEVEL: Final = 0
EDGE: Final = 1


def get(control: CPtr, line: u64, to: Place) -> None:
    """Make the capability for one interrupt line, in the slot `to`."""
    pass_cap(0, to.root)
    invoke(control, Label.IRQ_ISSUE_IRQ_HANDLER, 3, line, to.index, to.depth, caps=1)


def get_trigger(control: CPtr, line: u64, trigger: u64, to: Place) -> None:
    """As `get`, and say whether the line is level- or edge-triggered."""
    pass_cap(0, to.root)
    invoke(control, Label.IRQ_ISSUE_IRQ_HANDLER_TRIGGER, 4, line, trigger, to.index, to.depth, caps=1)


def ack(handler: CPtr) -> None:
    """The device has been served: let the line fire again."""
    invoke(handler, Label.IRQ_ACK_IRQ)


def set_notification(handler: CPtr, notification: CPtr) -> None:
    """Which notification to signal when the line fires."""
    pass_cap(0, notification)
    invoke(handler, Label.IRQ_SET_IRQ_HANDLER, caps=1)


def clear(handler: CPtr) -> None:
    """Signal nobody any more."""
    invoke(handler, Label.IRQ_CLEAR_IRQ_HANDLER)
