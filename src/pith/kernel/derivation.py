"""Deletion and revocation: how capabilities end, and every object with its last one.

To delete a capability is to empty its slot. If it was the last to its object, the object ends first: it is taken out
of everything that refers to it (`_end`). An object that holds capabilities itself, a CNode or a thread, cannot end at
once: its capability becomes a zombie, which is the object waiting to be emptied, last slot first. What is
in such a slot may be another CNode; rather than descend into it, its zombie changes places with what is in its own
first slot, and becomes unreachable. So there is no recursion, and every step leaves all slots consistent:

    delete           outer: empties the slot, and first all slots of a zombie in it
      _empty         inner: empties one slot of that zombie; of CNodes in it, nothing but the reachable capability
        _end         the object ends

A long deletion stops at preemption points (Preempted); the zombie in the slot is what remains to be
done, and deleting the slot again goes on. Revocation deletes children until there are none.

The threads that wait at an endpoint or notification are sent away one by one. Its last capability loses all rights
first: whoever is sent away, or sees the slot while the deletion is interrupted, finds nothing there to wait at again.

Manual: "Deletion and Revocation"; Elphinstone and Heiser, "From L3 to seL4" (SOSP 2013), on incremental consistency.
"""

from __future__ import annotations

from typing import Final

from pith.metal import Array, cold, noinline, replace, u16, u64

from . import binding, cspace, endpoint, notification, reply, scheduler, thread
from .capability import has_children, is_final
from .objects import (
    ASIDPoolCap,
    Cap,
    CNodeCap,
    EndpointCap,
    FrameCap,
    IRQHandlerCap,
    NotificationCap,
    NullCap,
    PageTableCap,
    ReplyCap,
    SchedContextCap,
    Slot,
    Thread,
    ThreadCap,
    ThreadSlot,
    ZombieCap,
)
from .riscv64 import fpu, frame, page_table, plic, vspace
from .state import interrupts, kernel

EMPTY_AT_ONCE: Final = 64  # slots


def delete(slot: Slot) -> None:
    """Empty the slot, ending the object if this is its last capability. Raises Preempted: call it again."""
    if not _step(slot):
        _delete_zombie(slot)


@cold
def _delete_zombie(slot: Slot) -> None:
    """Empty the slots of the zombie in the slot, last first, and then the slot. Raises Preempted: call it again."""
    while True:
        zombie = slot.cap
        assert isinstance(zombie, ZombieCap)
        zombie = _without_empty_end(zombie)
        slot.cap = zombie
        if not _is_spent(zombie, slot):
            _empty(_slots_of(zombie)[zombie.remaining - 1])
            scheduler.preemption_point()
        if _step(slot):  # emptying may have put another zombie there, or taken this one away
            return


def revoke(slot: Slot) -> None:
    """Delete all that descends from the slot's capability. Raises Preempted: call it again."""
    while has_children(slot):
        child = slot.link.next
        assert child is not None
        delete(child)
        scheduler.preemption_point()


def delete_notification(slot: Slot) -> None:
    """Empty a slot that holds a notification capability or nothing. Raises Preempted: call it again."""
    cap = slot.cap
    if isinstance(cap, NotificationCap):
        if is_final(slot):
            _end_notification(slot, cap)
        cspace.remove(slot)


# Emptying slots -------------------------------------------------------------------------------------------


def _empty(slot: Slot) -> None:
    """Empty a slot inside a zombie. Other CNodes and threads are not entered, but made unreachable."""
    while not _step(slot):
        zombie = slot.cap
        assert isinstance(zombie, ZombieCap)
        first = zombie.slots
        assert first is not slot  # then it would be the zombie being emptied, with one slot left: spent
        cspace.swap(slot, zombie, first, first.cap)
        scheduler.preemption_point()


def _slots_of(zombie: ZombieCap) -> Array[Slot]:
    """The slots that are still to be emptied."""
    return Array[Slot].at(zombie.slots.address, zombie.remaining)


def _without_empty_end(zombie: ZombieCap) -> ZombieCap:
    """The zombie less the empty slots at its end, as many as may be looked at without a preemption point."""
    slots = _slots_of(zombie)
    remaining: u64 = zombie.remaining
    least = max(remaining - EMPTY_AT_ONCE, 0)
    while remaining > least and isinstance(slots[remaining - 1].cap, NullCap):
        remaining -= 1
    return replace(zombie, remaining=remaining)


def _step(slot: Slot) -> bool:
    """End the slot's capability and empty the slot: True; or leave a zombie that has slots to be emptied: False."""
    rest = _end(slot, slot.cap, is_final(slot))
    if isinstance(rest, ZombieCap) and not _is_spent(rest, slot):
        slot.cap = rest
        return False
    cspace.remove(slot)
    return True


def _is_spent(zombie: ZombieCap, slot: Slot) -> bool:
    """Whether no slot of the zombie is left to be emptied, but perhaps the one that it is in itself."""
    return zombie.remaining == 0 or (zombie.remaining == 1 and zombie.slots is slot)


# How objects end ------------------------------------------------------------------------------------------


def _end(slot: Slot, cap: Cap, is_last: bool) -> Cap:
    """End what the slot's capability did and, if it is the last one, its object; what remains is null or a zombie."""
    match cap:
        case FrameCap():
            frame.unmap(cap)
        case ZombieCap():
            return cap
        case _ if is_last:
            return _end_object(slot, cap)
        case _:
            pass
    return NullCap()


def _end_object(slot: Slot, cap: Cap) -> Cap:
    match cap:
        case CNodeCap(radix=radix, cnode=first):
            return ZombieCap(radix, False, first, 1 << radix)
        case ThreadCap(thread=dying):
            _end_thread(dying)
            return ZombieCap(0, True, dying.slots[0], len(ThreadSlot))
        case EndpointCap():
            if cap.endpoint.queue.head is not None:
                _end_endpoint(slot, cap)
        case NotificationCap():
            _end_notification(slot, cap)
        case ReplyCap(reply=link):
            reply.clear(link)
        case SchedContextCap(context=context):
            binding.finalise(context)
        case PageTableCap():
            page_table.finalise(cap)
        case ASIDPoolCap(base_asid=base_asid, pool=pool):
            vspace.release_pool(base_asid, pool)
        case IRQHandlerCap(irq=irq):
            _end_handler(irq)
        case _:
            pass
    return NullCap()


def _end_thread(ending: Thread) -> None:
    bound, context = ending.bound_notification, ending.context
    if bound is not None:
        notification.unbind(bound)
    if context is not None:
        binding.finish_yield(context)
        binding.unbind(context)
    thread.suspend(ending)
    fpu.release(ending)


@cold
def _end_endpoint(slot: Slot, cap: EndpointCap) -> None:
    slot.cap = replace(cap, can_send=False, can_receive=False, can_grant=False, can_grant_reply=False)
    endpoint.cancel_all(cap.endpoint)


@noinline
def _end_notification(slot: Slot, cap: NotificationCap) -> None:
    ending = cap.notification
    context = ending.context
    if context is not None:
        binding.unbind_notification(context)
    notification.unbind(ending)
    if ending.queue.head is not None:
        slot.cap = replace(cap, can_send=False, can_receive=False)
        notification.cancel_all(ending)


def _end_handler(irq: u16) -> None:
    """Nobody may handle the interrupt any more: it is switched off, and can be issued again."""
    delete_notification(interrupts.slots[irq])
    kernel.irq_active[irq] = 0
    plic.set_enabled(irq, False)
