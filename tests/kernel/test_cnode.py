"""CNode invocations: what they do, and every error in its order."""

from __future__ import annotations

import pytest

from pith.abi.errors import LookupFailureKind
from pith.abi.labels import Label
from pith.abi.messages import CapRights
from pith.kernel import cnode
from pith.kernel.cspace import insert
from pith.kernel.errors import (
    DeleteFirst,
    FailedLookup,
    IllegalOperation,
    RangeError,
    RevokeFirst,
    TruncatedMessage,
)
from pith.kernel.objects import (
    CNodeCap,
    DomainCap,
    Endpoint,
    EndpointCap,
    IRQControlCap,
    NullCap,
    Slot,
    Thread,
    ThreadSlot,
    ThreadState,
)
from pith.kernel.state import kernel
from pith.metal import replace

from .conftest import World

ALL = CapRights(True, True, True, True).bits
SEND_ONLY = CapRights(True, False, False, False).bits
SOURCE, TARGET, PIVOT = 1, 2, 3


class Scene:
    """A thread whose root CNode holds an endpoint capability at SOURCE; invocations on that root."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.thread = world.thread()
        kernel.current = self.thread
        self.root = self.thread.slots[ThreadSlot.CSPACE]
        self.cap = EndpointCap(True, True, True, True, world.make(Endpoint), 0)
        self.source, self.target, self.pivot = (self.slot(i) for i in (SOURCE, TARGET, PIVOT))
        world.put(self.source, self.cap)

    def slot(self, index: int) -> Slot:
        return self.world.root_slot(self.thread, index)

    def invoke(self, label: Label, *words: int, caps: tuple[Slot, ...] | None = None) -> None:
        caps = (self.root, self.root) if caps is None else caps
        cap = self.root.cap
        assert isinstance(cap, CNodeCap)
        assert cnode.invoke(cap, self.world.call(label, *words, slot=self.root, caps=caps)) == 0


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


FROM_TO = (TARGET, 64, SOURCE, 64)
OPERATIONS = {
    Label.CNODE_COPY: (*FROM_TO, ALL),
    Label.CNODE_MINT: (*FROM_TO, ALL, 0),
    Label.CNODE_MOVE: FROM_TO,
    Label.CNODE_MUTATE: (*FROM_TO, 0),
}
TRANSFERS = list(OPERATIONS.items())


# What they do ---------------------------------------------------------------------------------------------


def test_copy(scene: Scene) -> None:
    scene.invoke(Label.CNODE_COPY, *FROM_TO, SEND_ONLY)
    assert scene.target.cap == replace(scene.cap, can_receive=False, can_grant=False, can_grant_reply=False)
    assert scene.source.cap == scene.cap and scene.source.link.next is scene.target


def test_mint(scene: Scene) -> None:
    scene.invoke(Label.CNODE_MINT, *FROM_TO, ALL, 77)
    assert scene.target.cap == replace(scene.cap, badge=77)
    assert scene.target.link.revocable and scene.target.link.first_badged


def test_move(scene: Scene) -> None:
    scene.invoke(Label.CNODE_MOVE, *FROM_TO)
    assert scene.target.cap == scene.cap and scene.source.cap == NullCap()
    assert scene.target.link.revocable


def test_mutate_a_guard(scene: Scene) -> None:
    scene.world.put(scene.source, scene.world.cnode(4, guard_size=0))
    scene.invoke(Label.CNODE_MUTATE, *FROM_TO, 0b101 << 6 | 3)
    cap = scene.target.cap
    assert isinstance(cap, CNodeCap) and (cap.guard_size, cap.guard) == (3, 0b101)
    assert scene.target.link.revocable


def test_rotate(scene: Scene) -> None:
    frame = scene.world.frame()
    scene.world.put(scene.source, frame)
    scene.world.put(scene.pivot, DomainCap())
    scene.invoke(Label.CNODE_ROTATE, TARGET, 64, 0, PIVOT, 64, 0, SOURCE, 64)
    assert scene.target.cap == DomainCap()
    assert scene.pivot.cap == frame
    assert scene.source.cap == NullCap()


def test_rotate_with_one_end_swaps(scene: Scene) -> None:
    scene.world.put(scene.source, scene.world.cnode(4, guard_size=0))
    scene.world.put(scene.pivot, DomainCap())
    scene.invoke(Label.CNODE_ROTATE, SOURCE, 64, 0, PIVOT, 64, 1 << 6 | 2, SOURCE, 64)
    assert scene.source.cap == DomainCap()
    cap = scene.pivot.cap
    assert isinstance(cap, CNodeCap) and (cap.guard_size, cap.guard) == (2, 1)


def test_delete_and_revoke(scene: Scene) -> None:
    insert(scene.cap, scene.source, scene.target)
    scene.invoke(Label.CNODE_REVOKE, SOURCE, 64)
    assert scene.target.cap == NullCap() and scene.source.cap == scene.cap
    scene.invoke(Label.CNODE_DELETE, SOURCE, 64)
    scene.invoke(Label.CNODE_DELETE, SOURCE, 64)  # nothing there: nothing to do
    scene.invoke(Label.CNODE_REVOKE, SOURCE, 64)
    assert scene.source.cap == NullCap()


def waiting(scene: Scene, badge: int) -> Thread:
    thread = scene.world.thread()
    thread.state = ThreadState.BLOCKED_ON_SEND
    thread.wait_endpoint, thread.wait_badge = scene.cap.endpoint, badge
    queue = scene.cap.endpoint.queue
    if queue.tail is None:
        queue.head = thread
    else:
        queue.tail.queue_next, thread.queue_previous = thread, queue.tail
    queue.tail = thread
    return thread


def test_cancel_badged_sends(scene: Scene) -> None:
    one, two = waiting(scene, 1), waiting(scene, 2)
    scene.invoke(Label.CNODE_CANCEL_BADGED_SENDS, SOURCE, 64)  # no badge: nothing
    assert one.state is two.state is ThreadState.BLOCKED_ON_SEND
    insert(replace(scene.cap, badge=2), scene.source, scene.target)
    scene.invoke(Label.CNODE_CANCEL_BADGED_SENDS, TARGET, 64)
    assert (one.state, two.state) == (ThreadState.BLOCKED_ON_SEND, ThreadState.RESTART)


def test_cancel_badged_sends_needs_all_rights(scene: Scene) -> None:
    for cap in (replace(scene.cap, badge=1, can_receive=False), DomainCap(), NullCap()):
        scene.world.put(scene.target, cap)
        with pytest.raises(IllegalOperation):
            scene.invoke(Label.CNODE_CANCEL_BADGED_SENDS, TARGET, 64)


# Errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [Label.UNTYPED_RETYPE, Label.TCB_SET_FLAGS, Label.IRQ_ISSUE_IRQ_HANDLER])
def test_other_labels(scene: Scene, label: Label) -> None:
    with pytest.raises(IllegalOperation):
        scene.invoke(label, SOURCE, 64)


@pytest.mark.parametrize("label", [Label.CNODE_DELETE, *OPERATIONS])
def test_no_place_named(scene: Scene, label: Label) -> None:
    with pytest.raises(TruncatedMessage):
        scene.invoke(label, SOURCE)


@pytest.mark.parametrize("label", [Label.CNODE_REVOKE, Label.CNODE_COPY])
def test_a_place_that_is_none(scene: Scene, label: Label) -> None:
    with pytest.raises(RangeError):
        scene.invoke(label, SOURCE, 0)
    with pytest.raises(FailedLookup) as failed:
        scene.invoke(label, SOURCE | 1 << 60, 64)
    assert not failed.value.is_source and failed.value.kind is LookupFailureKind.GUARD_MISMATCH


@pytest.mark.parametrize(("label", "words"), TRANSFERS)
def test_truncated_transfers(scene: Scene, label: Label, words: tuple[int, ...]) -> None:
    with pytest.raises(TruncatedMessage):
        scene.invoke(label, *words, caps=())
    for length in range(2, len(words)):
        with pytest.raises(TruncatedMessage):
            scene.invoke(label, *words[:length])


@pytest.mark.parametrize(("label", "words"), TRANSFERS)
def test_transfers_to_an_occupied_slot(scene: Scene, label: Label, words: tuple[int, ...]) -> None:
    with pytest.raises(DeleteFirst):
        scene.invoke(label, SOURCE, *words[1:])


@pytest.mark.parametrize(("label", "words"), TRANSFERS)
def test_transfers_from_nowhere(scene: Scene, label: Label, words: tuple[int, ...]) -> None:
    with pytest.raises(FailedLookup) as failed:
        scene.invoke(label, TARGET, 64, PIVOT, 64, *words[4:])
    assert failed.value.is_source
    assert (failed.value.kind, failed.value.word0) == (LookupFailureKind.MISSING_CAPABILITY, 64)
    with pytest.raises(FailedLookup) as failed:
        scene.invoke(label, *words, caps=(scene.source,))
    assert (failed.value.is_source, failed.value.kind) == (True, LookupFailureKind.INVALID_ROOT)


def test_what_cannot_be_copied(scene: Scene) -> None:
    scene.world.put(scene.source, IRQControlCap())
    for label in (Label.CNODE_COPY, Label.CNODE_MINT):
        with pytest.raises(IllegalOperation):
            scene.invoke(label, *OPERATIONS[label])
    parent, child = scene.world.untyped(12), scene.world.slot()
    insert(parent.cap, parent, child)
    scene.source.cap, scene.source.link = parent.cap, parent.link
    with pytest.raises(RevokeFirst):
        scene.invoke(Label.CNODE_COPY, *OPERATIONS[Label.CNODE_COPY])


def test_badges_and_guards_that_cannot_be(scene: Scene) -> None:
    with pytest.raises(IllegalOperation):
        scene.invoke(Label.CNODE_MUTATE, *FROM_TO, 5)
    scene.world.put(scene.source, replace(scene.cap, badge=4))
    with pytest.raises(IllegalOperation):
        scene.invoke(Label.CNODE_MINT, *FROM_TO, ALL, 5)
    scene.world.put(scene.source, scene.world.cnode(4))
    with pytest.raises(IllegalOperation):
        scene.invoke(Label.CNODE_MINT, *FROM_TO, ALL, 61)


def test_rotate_errors(scene: Scene) -> None:
    words = (TARGET, 64, 0, PIVOT, 64, 0, SOURCE, 64)
    with pytest.raises(TruncatedMessage):
        scene.invoke(Label.CNODE_ROTATE, *words[:7])
    with pytest.raises(TruncatedMessage):
        scene.invoke(Label.CNODE_ROTATE, *words, caps=(scene.root,))
    for slots in ((TARGET, SOURCE, SOURCE), (PIVOT, PIVOT, SOURCE)):
        with pytest.raises(IllegalOperation):
            rotate(scene, *slots)
    with pytest.raises(FailedLookup) as failed:
        rotate(scene, TARGET, PIVOT, SOURCE)
    assert not failed.value.is_source  # the pivot is empty
    scene.world.put(scene.pivot, DomainCap())
    with pytest.raises(FailedLookup) as failed:
        rotate(scene, TARGET, PIVOT, 4)
    assert failed.value.is_source
    scene.world.put(scene.target, DomainCap())
    with pytest.raises(DeleteFirst):
        rotate(scene, TARGET, PIVOT, SOURCE)
    for caps in ((scene.source, scene.root), (scene.root, scene.source)):
        with pytest.raises(FailedLookup) as failed:
            scene.invoke(Label.CNODE_ROTATE, *words, caps=caps)
        assert failed.value.kind is LookupFailureKind.INVALID_ROOT
    scene.world.put(scene.target, NullCap())
    for data in ((0, 5), (5, 0)):  # an endpoint capability that moves cannot be badged
        scene.world.put(scene.pivot, scene.cap)
        with pytest.raises(IllegalOperation):
            scene.invoke(Label.CNODE_ROTATE, TARGET, 64, data[0], PIVOT, 64, data[1], SOURCE, 64)


def rotate(scene: Scene, target: int, pivot: int, source: int) -> None:
    scene.invoke(Label.CNODE_ROTATE, target, 64, 0, pivot, 64, 0, source, 64)
