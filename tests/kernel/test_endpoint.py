"""Endpoints: messages between threads, through system calls; who waits, and what ends that."""

from __future__ import annotations

import pytest

from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall as Call
from pith.kernel import blocking, endpoint, fault_message
from pith.kernel import thread as threads
from pith.kernel.objects import FaultKind, Notification, NullCap, Register, ThreadSlot, ThreadState
from pith.kernel.riscv64.csr import Cause
from pith.kernel.state import kernel

from .conftest import World
from .pair import EP, OTHER, REPLY, Pair, signal_cap
from .running import PC, full_endpoint_cap, heard, ready, say


@pytest.fixture
def pair(world: World) -> Pair:
    return Pair(world)


# Send and receive -------------------------------------------------------------------------------------------


def test_a_waiting_receiver_gets_the_message(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    assert pair.server.state is ThreadState.BLOCKED_ON_RECEIVE
    pair.make_current(pair.client)
    say(pair.client, 11, 22, 33, 44, label=5)
    assert pair.system_call(Call.SEND, EP) is pair.client
    assert heard(pair.server) == (7, 5, [11, 22, 33, 44])
    assert pair.server.state is ThreadState.RUNNING
    assert ready(10) == [pair.server]
    assert pair.object.caller is None
    assert pair.client.registers[Register.NEXT_PC] == PC + 4


def test_a_waiting_sender_is_received_from(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.make_current(pair.client)
    say(pair.client, 1)
    assert pair.system_call(Call.SEND, EP) is pair.server
    assert pair.client.state is ThreadState.BLOCKED_ON_SEND
    pair.system_call(Call.RECV, EP, REPLY)
    assert heard(pair.server) == (7, 0, [1])
    assert pair.client.state is ThreadState.RUNNING
    assert pair.ep.queue.head is None


def test_long_messages_travel_through_buffers(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    pair.make_current(pair.client)
    source, destination = pair.world.buffer(pair.client), pair.world.buffer(pair.server)
    for index in range(4, 120):
        source.words[index] = index
    pair.client.registers[Register.A1] = MessageInfo(length=127).bits
    pair.system_call(Call.SEND, EP)
    assert MessageInfo.from_bits(pair.server.registers[Register.A1]).length == 120
    assert [destination.words[index] for index in range(4, 120)] == list(range(4, 120))


@pytest.mark.parametrize("length", [*range(22), 63, 119, 120])
@pytest.mark.parametrize("number", [Call.CALL, Call.SEND])
def test_a_message_is_as_long_as_it_says(pair: Pair, length: int, number: int) -> None:
    """No word is missing, and none of the sender's that it did not send arrives, by whichever path."""
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    pair.make_current(pair.client)
    source, destination = pair.world.buffer(pair.client), pair.world.buffer(pair.server)
    pair.client.registers[Register.A1] = MessageInfo(length=length).bits
    for index in range(120):
        source.words[index], destination.words[index] = 1000 + index, 7
    for index in range(4):
        pair.client.registers[Register.A2 + index] = 1000 + index
        pair.server.registers[Register.A2 + index] = 7
    pair.system_call(number, EP)
    registers = [pair.server.registers[Register.A2 + index] for index in range(4)]
    heard = [*registers, *(destination.words[index] for index in range(4, 120))]
    assert heard == [1000 + index if index < length else 7 for index in range(120)]


@pytest.mark.parametrize("who", ["client", "server"])
def test_without_a_buffer_only_registers_travel(pair: Pair, who: str) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    pair.world.put(getattr(pair, who).slots[ThreadSlot.BUFFER], NullCap())
    pair.make_current(pair.client)
    pair.client.registers[Register.A1] = MessageInfo(length=9).bits
    pair.system_call(Call.SEND, EP)
    assert MessageInfo.from_bits(pair.server.registers[Register.A1]).length == 4


def test_not_blocking_sends_and_receives_come_back(pair: Pair) -> None:
    pair.start(pair.client)
    pair.make_current(pair.client)
    assert pair.system_call(Call.NB_SEND, EP) is pair.client
    pair.client.registers[Register.A0] = 99
    assert pair.system_call(Call.NB_RECV, EP, REPLY) is pair.client
    assert pair.client.registers[Register.A0] == 0
    assert pair.system_call(Call.NB_WAIT, EP) is pair.client
    assert pair.ep.queue.head is None


def test_queues_are_by_priority_then_first_come(pair: Pair) -> None:
    order = []
    for priority in (5, 9, 5, 7):
        sender = pair.passive(priority)
        pair.give(sender, EP, full_endpoint_cap(pair.ep))
        kernel.current = sender
        pair.system_call_only(Call.SEND, EP)
        order.append(sender)
    queue, at = [], pair.ep.queue.head
    while at is not None:
        queue.append(at)
        at = at.queue_next
    assert queue == [order[1], order[3], order[0], order[2]]
    threads.set_priority(order[2], 8)
    assert pair.ep.queue.head is order[1] and order[1].queue_next is order[2]


# Ending -----------------------------------------------------------------------------------------------------


def test_the_end_of_an_endpoint_makes_waiters_try_again(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    endpoint.cancel_all(pair.ep)
    assert pair.server.state is ThreadState.RESTART and pair.server.wait_reply is None
    assert pair.ep.queue.head is None


def test_the_end_of_an_endpoint_stops_who_would_have_told_of_a_fault(pair: Pair) -> None:
    """Manual, "Faults": it has no system call to make again."""
    pair.start(pair.client, pair.server)
    pair.place(pair.client.slots[ThreadSlot.FAULT_HANDLER], full_endpoint_cap(pair.ep))
    pair.make_current(pair.client)
    assert pair.trap(Cause.LOAD_PAGE_FAULT) is pair.server
    assert pair.client.state is ThreadState.BLOCKED_ON_SEND
    endpoint.cancel_all(pair.ep)
    assert pair.client.state is ThreadState.INACTIVE and pair.client.fault_kind is FaultKind.NONE


def test_cancelling_badged_sends_leaves_receivers_alone(pair: Pair) -> None:
    pair.wait(pair.server)
    endpoint.cancel_badged_sends(pair.ep, 0)
    assert pair.server.state is ThreadState.BLOCKED_ON_RECEIVE


def test_cancelling_badged_sends_spares_others(pair: Pair) -> None:
    senders = []
    for badge in (1, 2, 1):
        sender = pair.passive()
        pair.give(sender, EP, full_endpoint_cap(pair.ep, badge))
        kernel.current = sender
        pair.system_call_only(Call.SEND, EP)
        senders.append(sender)
    endpoint.cancel_badged_sends(pair.ep, 1)
    states = [sender.state for sender in senders]
    assert states == [ThreadState.RESTART, ThreadState.BLOCKED_ON_SEND, ThreadState.RESTART]


def test_cancelling_badged_sends_disturbs_no_receivers(pair: Pair) -> None:
    """Though one of them may have sent through that badge before."""
    pair.wait(pair.server)
    pair.server.wait_badge = 7
    endpoint.cancel_badged_sends(pair.ep, 7)
    assert pair.ep.queue.head is pair.server and pair.server.state is ThreadState.BLOCKED_ON_RECEIVE


def test_a_faulting_thread_is_cancelled_for_good(pair: Pair) -> None:
    """It has no call to make again: it stops."""
    fault_message.set_fault(pair.client, FaultKind.VM, 0x1000)
    pair.client.wait_badge = 7
    blocking.wait_at_endpoint(pair.client, pair.ep, ThreadState.BLOCKED_ON_SEND)
    endpoint.cancel_badged_sends(pair.ep, 7)
    assert pair.client.state is ThreadState.INACTIVE and pair.client.fault_kind is FaultKind.NONE


@pytest.mark.parametrize("who", ["client", "server"])
def test_no_capability_travels_without_a_buffer(pair: Pair, who: str) -> None:
    """It is looked up when it is sent; the buffer may be gone when it would be received."""
    sender = pair.client
    pair.give(sender, 20, full_endpoint_cap(pair.endpoint()))
    pair.world.buffer(sender).caps_or_badges[0] = 20
    kernel.current = sender
    say(sender, 1, caps=1)
    pair.system_call_only(Call.SEND, EP)
    pair.world.put(getattr(pair, who).slots[ThreadSlot.BUFFER], NullCap())
    pair.wait(pair.server)
    assert heard(pair.server) == (7, 0, [1])
    assert MessageInfo.from_bits(pair.server.registers[Register.A1]).extra_caps == 0


def test_a_capability_whose_address_leads_nowhere_any_more(pair: Pair) -> None:
    """Those before it are transferred, it and those behind it are not."""
    sender = pair.client
    pair.world.buffer(sender).caps_or_badges[0] = EP
    pair.world.buffer(sender).caps_or_badges[1] = 20
    pair.give(sender, 20, full_endpoint_cap(pair.endpoint()))
    kernel.current = sender
    say(sender, 1, caps=2)
    pair.system_call_only(Call.SEND, EP)
    pair.world.buffer(sender).caps_or_badges[1] = 1 << 40
    pair.wait(pair.server)
    info = MessageInfo.from_bits(pair.server.registers[Register.A1])
    assert (info.extra_caps, info.caps_unwrapped) == (1, 1)
    assert pair.world.buffer(pair.server).caps_or_badges[0] == 7


def test_a_suspended_thread_leaves_its_queue_and_resumes_its_call(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    threads.suspend(pair.server)
    assert pair.ep.queue.head is None and pair.object.caller is None
    threads.restart(pair.server)
    assert pair.server.state is ThreadState.RESTART
    threads.activate(pair.make_current(pair.server))
    assert pair.server.registers[Register.NEXT_PC] == PC


# Capabilities in messages -----------------------------------------------------------------------------------


class Sending(Pair):
    """The client sends capabilities to the waiting server, which receives into slot 9."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.start(self.client, self.server)
        buffer = world.buffer(self.server)
        self.give(self.server, 8, self.server.slots[ThreadSlot.CSPACE].cap)
        buffer.receive_cnode, buffer.receive_index, buffer.receive_depth = 8, 9, 64
        self.wait(self.server)
        self.make_current(self.client)
        self.note = world.make(Notification)
        self.give(self.client, OTHER, signal_cap(self.note, 3))

    def send(self, *addresses: int, call: Call = Call.SEND) -> MessageInfo:
        buffer = self.world.buffer(self.client)
        for index, address in enumerate(addresses):
            buffer.caps_or_badges[index] = address
        say(self.client, caps=len(addresses))
        self.system_call_only(call, EP)
        return MessageInfo.from_bits(self.server.registers[Register.A1])

    @property
    def received(self) -> object:
        return self.world.root_slot(self.server, 9).cap


@pytest.fixture
def sending(world: World) -> Sending:
    return Sending(world)


def test_a_capability_travels(sending: Sending) -> None:
    info = sending.send(OTHER)
    assert (info.extra_caps, info.caps_unwrapped) == (1, 0)
    assert sending.received == signal_cap(sending.note, 3)


def test_a_capability_to_the_endpoint_itself_is_unwrapped(sending: Sending) -> None:
    info = sending.send(EP, OTHER, EP)
    assert (info.extra_caps, info.caps_unwrapped) == (3, 0b101)
    buffer = sending.world.buffer(sending.server)
    assert (buffer.caps_or_badges[0], buffer.caps_or_badges[2]) == (7, 7)
    assert sending.received == signal_cap(sending.note, 3)


def test_only_one_capability_can_be_received(sending: Sending) -> None:
    assert sending.send(OTHER, OTHER).extra_caps == 1


def test_without_grant_no_capability_travels(sending: Sending) -> None:
    sending.rights(sending.client, can_grant=False)
    assert sending.send(OTHER).extra_caps == 0
    assert sending.received == NullCap()


def test_a_taken_receive_slot_ends_the_transfer(sending: Sending) -> None:
    sending.give(sending.server, 9, signal_cap(sending.note))
    info = sending.send(EP, OTHER)
    assert (info.extra_caps, info.caps_unwrapped) == (1, 1)


def test_an_empty_capability_ends_the_transfer(sending: Sending) -> None:
    assert sending.send(20, OTHER).extra_caps == 0


def test_a_receiver_without_a_buffer_gets_no_capability(sending: Sending) -> None:
    sending.world.put(sending.server.slots[ThreadSlot.BUFFER], NullCap())
    assert sending.send(OTHER).extra_caps == 0


def test_a_capability_that_is_gone_when_the_receiver_comes_ends_the_transfer(sending: Sending) -> None:
    """Manual, "Errors" of capability transfer: the sender's CSpace may have changed while it waited."""
    threads.suspend(sending.server)
    sending.send(EP, OTHER)
    assert sending.client.state is ThreadState.BLOCKED_ON_SEND
    sending.world.buffer(sending.client).caps_or_badges[1] = 1 << 20
    sending.server.state = ThreadState.RUNNING
    sending.wait(sending.server)
    info = MessageInfo.from_bits(sending.server.registers[Register.A1])
    assert (info.extra_caps, info.caps_unwrapped) == (1, 1)


def test_a_capability_that_cannot_be_found_stops_the_send(sending: Sending) -> None:
    before = sending.server.state
    sending.send(1 << 20)
    assert sending.server.state is before
    assert sending.client.state is ThreadState.INACTIVE  # its capability fault has no handler
    assert sending.client.fault_words[0] == 1 << 20


def test_not_blocking_it_is_dropped(sending: Sending) -> None:
    sending.send(1 << 20, call=Call.NB_SEND)
    assert sending.client.state is ThreadState.RUNNING
    assert sending.server.state is ThreadState.BLOCKED_ON_RECEIVE
