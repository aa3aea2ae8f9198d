"""Interrupts as capabilities: who may handle which line, and the signal when it interrupts.

IRQControl issues one handler for a line at a time. A handler names the notification that the line signals; the
kernel keeps that capability in `interrupts.slots`. An interrupt is claimed when it comes and stays so, silent,
until the handler acknowledges it.

Manual: "Interrupt Delivery"; interfaces `seL4_IRQControl`, `seL4_IRQHandler`.
"""

from __future__ import annotations

from pith.abi.labels import Label
from pith.metal import u7, u16, u64

from . import notification
from .cspace import insert, lookup_empty
from .derivation import delete_notification
from .errors import IllegalOperation, InvalidCapability, RangeError, RevokeFirst
from .message import Invocation, argument, extra_slot, require
from .objects import IRQHandlerCap, NotificationCap
from .riscv64 import plic
from .state import IRQ_COUNT, TIMER_IRQ, UNTOLD, interrupts, kernel


def invoke_control(call: Invocation) -> u7:
    """Get(irq, root, index, depth), or GetTrigger(irq, trigger, root, index, depth).

    Any trigger is accepted and changes nothing: a PLIC has no register for it. Each line has a gateway in front of
    it that is built for level or for edge (PLIC specification, "Interrupt Gateways"), and acknowledging does for both.
    """
    match call.label:
        case Label.IRQ_ISSUE_IRQ_HANDLER:
            require(call, words=3, caps=1)
            _issue(call, argument(call, 0), argument(call, 1), argument(call, 2))
        case Label.IRQ_ISSUE_IRQ_HANDLER_TRIGGER:
            require(call, words=4, caps=1)
            _issue(call, argument(call, 0), argument(call, 2), argument(call, 3))
        case _:
            raise IllegalOperation()
    return 0


def _issue(call: Invocation, irq: u64, index: u64, depth: u64) -> None:
    """Put the handler of the line into the slot, and let the line through."""
    if not 1 <= irq < IRQ_COUNT:
        raise RangeError(1, IRQ_COUNT - 1)
    if kernel.irq_active[irq] or irq == TIMER_IRQ:
        raise RevokeFirst()
    destination = lookup_empty(extra_slot(call, 0).cap, index, depth)
    kernel.irq_active[irq] = 1
    plic.set_enabled(irq, True)
    insert(IRQHandlerCap(irq), call.slot, destination)


def invoke_handler(cap: IRQHandlerCap, call: Invocation) -> u7:
    """Acknowledge, SetNotification(notification) or Clear."""
    match call.label:
        case Label.IRQ_ACK_IRQ:
            plic.complete(cap.irq)
        case Label.IRQ_SET_IRQ_HANDLER:
            source = extra_slot(call, 0)
            chosen = source.cap
            if not isinstance(chosen, NotificationCap) or not chosen.can_send:
                raise InvalidCapability(0)
            delete_notification(interrupts.slots[cap.irq])
            insert(chosen, source, interrupts.slots[cap.irq])
            if kernel.irq_active[cap.irq] == UNTOLD:
                kernel.irq_active[cap.irq] = 1
                notification.signal(chosen.notification, chosen.badge)
        case Label.IRQ_CLEAR_IRQ_HANDLER:
            delete_notification(interrupts.slots[cap.irq])
            kernel.irq_active[cap.irq] = 1
        case _:
            raise IllegalOperation()
    return 0


def handle(irq: u16) -> None:
    """A claimed interrupt came: signal its notification. A line without a handler is completed and switched off."""
    if irq >= IRQ_COUNT or not kernel.irq_active[irq]:
        plic.set_enabled(irq, False)
        plic.complete(irq)
        return
    cap = interrupts.slots[irq].cap
    if isinstance(cap, NotificationCap):
        if cap.can_send:
            notification.signal(cap.notification, cap.badge)
        else:  # it is ending (derivation.py); perhaps another one is to follow it
            kernel.irq_active[irq] = UNTOLD
