"""From a capability to its object's operation: each kind of object recognises its own label and no other."""

from __future__ import annotations

import pytest

from pith.abi.labels import Label
from pith.kernel.errors import IllegalOperation, InvalidCapability
from pith.kernel.invocation import invoke
from pith.kernel.objects import (
    ASIDControlCap,
    ASIDPool,
    ASIDPoolCap,
    Cap,
    DomainCap,
    Endpoint,
    EndpointCap,
    IRQControlCap,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NullCap,
    PageTable,
    PageTableCap,
    SchedContext,
    SchedContextCap,
    SchedControlCap,
    ThreadCap,
    UntypedCap,
    ZombieCap,
)
from pith.kernel.state import kernel
from pith.metal import Failure

from .conftest import World


def invocable(world: World) -> list[Cap]:
    return [
        UntypedCap(12, False, world.place(4096), 0),
        world.cnode(4),
        ThreadCap(world.thread()),
        SchedContextCap(8, world.make(SchedContext, 256)),
        SchedControlCap(0),
        world.frame(),
        PageTableCap(False, False, world.make(PageTable), 0, 0),
        ASIDPoolCap(0, world.make(ASIDPool)),
        ASIDControlCap(),
        IRQHandlerCap(1),
        IRQControlCap(),
        DomainCap(),
    ]


def test_a_label_of_nobody(world: World) -> None:
    for cap in invocable(world):
        for label in (Label.INVALID, 1000):
            with pytest.raises(IllegalOperation):
                invoke(cap, world.call(label, 0, 0, 0, 0, 0, 0, 0, 0, slot=world.slot(cap)))


def test_what_cannot_be_invoked(world: World) -> None:
    caps = [
        NullCap(),
        ZombieCap(2, False, world.cnode(2).cnode, 4),
        EndpointCap(False, True, True, True, world.make(Endpoint), 0),
        NotificationCap(False, True, world.make(Notification), 0),
    ]
    for cap in caps:
        with pytest.raises(InvalidCapability) as caught:
            invoke(cap, world.call(Label.CNODE_DELETE, 0, 64))
        assert caught.value.argument == 0


def test_no_message_crashes_the_kernel(world: World) -> None:
    """Every label on every object, with nothing in the message: an answer or a failure, never an exception."""
    kernel.ticks_per_second = 10_000_000
    for cap in invocable(world):
        for label in Label:
            try:
                invoke(cap, world.call(label, slot=world.slot(cap)))
            except Failure:
                pass
