"""Reply objects: calls and their answers, and the time that goes along."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel import binding, reply
from pith.kernel import thread as threads
from pith.kernel.objects import ThreadState
from pith.kernel.state import kernel

from .conftest import World
from .pair import EP, OTHER, REPLY, Pair, call
from .running import full_endpoint_cap, heard, ready, reply_cap, say


@pytest.fixture
def pair(world: World) -> Pair:
    return Pair(world)


# Calls ------------------------------------------------------------------------------------------------------


def test_a_call_waits_in_the_reply_object_and_the_reply_ends_it(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    assert call(pair, 3) is pair.server
    assert pair.client.state is ThreadState.BLOCKED_ON_REPLY
    assert pair.object.caller is pair.client
    say(pair.server, 4, label=1)
    pair.system_call(Call.SEND, REPLY)
    assert heard(pair.client) == (0, 1, [4])
    assert pair.client.state is ThreadState.RUNNING
    assert pair.object.caller is None
    assert ready(10) == [pair.client]


def test_reply_and_receive_in_one(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    call(pair, 3)
    say(pair.server, 4)
    assert pair.system_call(Call.REPLY_RECV, EP, REPLY) is pair.client
    assert heard(pair.client) == (0, 0, [4])
    assert pair.server.state is ThreadState.BLOCKED_ON_RECEIVE
    assert pair.object.caller is pair.server


def test_a_queued_call_is_answered_too(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    call(pair, 3)
    assert pair.client.state is ThreadState.BLOCKED_ON_SEND
    pair.system_call(Call.RECV, EP, REPLY)
    assert pair.client.state is ThreadState.BLOCKED_ON_REPLY
    assert heard(pair.server) == (7, 0, [3])


@pytest.mark.parametrize("rights", [{"can_grant": False}, {"can_grant_reply": False}])
def test_either_grant_right_lets_a_call_be_answered(pair: Pair, rights: dict[str, bool]) -> None:
    pair.start(pair.client, pair.server)
    pair.rights(pair.client, **rights)
    pair.wait(pair.server)
    call(pair)
    assert pair.client.state is ThreadState.BLOCKED_ON_REPLY


def test_without_a_right_to_be_answered_a_caller_stops(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.rights(pair.client, can_grant=False, can_grant_reply=False)
    pair.wait(pair.server)
    call(pair, 1)
    assert pair.client.state is ThreadState.INACTIVE
    assert heard(pair.server) == (7, 0, [1])


def test_without_a_reply_object_a_caller_stops(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server, Call.WAIT)
    call(pair, 1)
    assert pair.client.state is ThreadState.INACTIVE


def test_an_unused_reply_object_answers_nobody(pair: Pair) -> None:
    pair.start(pair.server)
    pair.make_current(pair.server)
    assert pair.system_call(Call.SEND, REPLY) is pair.server


def test_bringing_a_used_reply_object_abandons_its_caller(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    call(pair)
    pair.make_current(pair.server)
    pair.system_call_only(Call.RECV, EP, REPLY)
    assert pair.client.state is ThreadState.INACTIVE
    assert pair.object.caller is pair.server


# Lent time --------------------------------------------------------------------------------------------------


def test_a_call_lends_its_time_to_a_passive_server_and_gets_it_back(pair: Pair) -> None:
    pair.start(pair.client)
    pair.wait(pair.server)
    context = pair.client.context
    assert call(pair) is pair.server
    assert context is not None and pair.server.context is context and context.thread is pair.server
    assert pair.client.context is None
    assert context.reply is pair.object and pair.object.context is context
    assert pair.system_call(Call.REPLY_RECV, EP, REPLY) is pair.client
    assert pair.client.context is context and pair.server.context is None
    assert context.reply is None and pair.object.context is None


def test_a_reply_returns_the_time_though_the_server_goes_on(pair: Pair) -> None:
    pair.start(pair.client)
    pair.wait(pair.server)
    call(pair)
    assert pair.system_call(Call.SEND, REPLY) is pair.client
    assert pair.server.state is ThreadState.RUNNING and not pair.server.is_ready


def test_a_server_with_time_of_its_own_uses_that(pair: Pair) -> None:
    pair.start(pair.client, pair.server)
    pair.wait(pair.server)
    call(pair)
    assert pair.client.context is not None and pair.client.context is not pair.server.context
    assert pair.object.context is None


def test_send_does_not_lend_and_nb_send_recv_does(pair: Pair) -> None:
    pair.start(pair.client)
    pair.wait(pair.server)
    context = pair.client.context
    pair.make_current(pair.client)
    assert pair.system_call(Call.SEND, EP) is pair.client
    assert pair.server.context is None and pair.server.state is ThreadState.RUNNING
    pair.wait(pair.server)
    other = pair.endpoint()
    pair.give(pair.client, OTHER, full_endpoint_cap(other))
    pair.make_current(pair.client)
    assert pair.system_call(Call.NB_SEND_WAIT, OTHER, reply=EP) is pair.server
    assert pair.server.context is context and pair.client.context is None
    assert pair.client.state is ThreadState.BLOCKED_ON_RECEIVE


class Chain(Pair):
    """client calls proxy calls server, all on the client's time."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.proxy, self.deep, self.upper = self.passive(), self.endpoint(), self.reply()
        self.give(self.proxy, EP, full_endpoint_cap(self.ep))
        self.give(self.proxy, REPLY, reply_cap(self.object))
        self.give(self.proxy, OTHER, full_endpoint_cap(self.deep))
        self.give(self.server, EP, full_endpoint_cap(self.deep))
        self.give(self.server, REPLY, reply_cap(self.upper))
        self.start(self.client)
        self.time = self.client.context
        assert self.time is not None
        self.wait(self.proxy)
        self.wait(self.server)
        call(self)
        assert self.system_call(Call.CALL, OTHER) is self.server


@pytest.fixture
def chain(world: World) -> Chain:
    return Chain(world)


def test_time_goes_down_and_up_a_chain_of_calls(chain: Chain) -> None:
    assert chain.time.reply is chain.upper and chain.upper.previous is chain.object
    assert chain.object.next is chain.upper and chain.object.context is None
    assert chain.system_call(Call.REPLY_RECV, EP, REPLY) is chain.proxy
    assert chain.time.reply is chain.object and chain.object.context is chain.time
    assert chain.system_call(Call.REPLY_RECV, EP, REPLY) is chain.client
    assert chain.time.reply is None


def test_the_end_of_the_top_reply_returns_time_one_step(chain: Chain) -> None:
    reply.clear(chain.upper)
    assert chain.proxy.context is chain.time and chain.server.context is None
    assert chain.proxy.state is ThreadState.INACTIVE
    reply.clear(chain.object)
    assert chain.client.context is chain.time and chain.client.state is ThreadState.INACTIVE


def test_the_end_of_a_lower_reply_leaves_time_where_it_is(chain: Chain) -> None:
    reply.clear(chain.object)
    assert chain.server.context is chain.time and chain.time.reply is chain.upper
    assert chain.upper.previous is None
    reply.clear(chain.upper)
    assert chain.proxy.context is chain.time
    assert chain.client.context is None


def test_a_chain_closes_over_a_reply_that_ends_in_its_middle(pair: Pair) -> None:
    """Manual, "Scheduling Context Donation": the time stays where it is, and who is left gets it back as ever."""
    first, second, third, server = pair.thread(), pair.passive(), pair.passive(), pair.passive()
    time, objects = first.context, [pair.reply() for _ in range(3)]
    for brought, caller, callee in zip(objects, (first, second, third), (second, third, server), strict=True):
        reply.push(brought, caller, callee, can_donate=True)
    lowest, middle, top = objects
    reply.clear(middle)
    assert server.context is time and second.state is ThreadState.INACTIVE
    assert top.previous is lowest and lowest.next is top
    reply.clear(top)
    assert third.context is time
    reply.clear(lowest)
    assert first.context is time and third.context is None and second.context is None


def test_a_suspended_caller_leaves_the_chain(chain: Chain) -> None:
    threads.suspend(chain.proxy)
    assert chain.time.reply is chain.object and chain.object.context is chain.time
    assert chain.server.context is chain.time
    assert chain.upper.caller is None


def test_the_end_of_the_time_leaves_all_passive(chain: Chain) -> None:
    binding.finalise(chain.time)
    assert chain.server.context is None and chain.upper.context is None
    assert kernel.current_context is None
    assert chain.run() is kernel.idle


def test_the_end_of_a_reply_object_that_a_receiver_brought(pair: Pair) -> None:
    pair.start(pair.server)
    pair.wait(pair.server)
    reply.clear(pair.object)
    assert pair.server.state is ThreadState.INACTIVE
    assert pair.ep.queue.head is None
    reply.clear(pair.object)
