"""Two threads that talk: what tests of endpoints, replies and notifications begin with."""

from __future__ import annotations

from pith.abi.syscalls import SystemCall as Call
from pith.kernel import binding, scheduler
from pith.kernel.objects import EndpointCap, Notification, NotificationCap, Thread
from pith.kernel.state import kernel

from .conftest import World
from .running import Running, full_endpoint_cap, reply_cap, say

EP, REPLY, NTFN, OTHER = 1, 2, 3, 4  # slots in every CSpace here


class Pair(Running):
    """A client and a server of equal priority, an endpoint, a reply object."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.ep, self.object = self.endpoint(), self.reply()
        self.client, self.server = self.passive(), self.passive()
        for thread in (self.client, self.server):
            self.give(thread, EP, full_endpoint_cap(self.ep, badge=7 if thread is self.client else 0))
            self.give(thread, REPLY, reply_cap(self.object))

    def start(self, *found: Thread) -> None:
        for thread in found:
            binding.bind(self.context(), thread)

    def wait(self, thread: Thread, call: Call = Call.RECV) -> None:
        """Let the thread receive at the endpoint, on its own time or on none."""
        kernel.current = thread
        scheduler.dequeue(thread)
        self.system_call_only(call, EP, REPLY)

    def rights(self, thread: Thread, **changes: bool) -> None:
        rights = {"can_send": True, "can_receive": True, "can_grant": True, "can_grant_reply": True} | changes
        self.give(thread, EP, EndpointCap(**rights, endpoint=self.ep, badge=7))


def talking(world: World) -> Pair:
    """A pair whose client runs, with two words to say; a third thread runs when both wait."""
    pair = Pair(world)
    pair.thread(1)
    pair.start(pair.client)
    pair.make_current(pair.client)
    say(pair.client, 11, 22)
    return pair


def signal_cap(target: Notification, badge: int = 0) -> NotificationCap:
    return NotificationCap(True, True, target, badge)


def call(pair: Pair, *words: int) -> Thread:
    pair.make_current(pair.client)
    say(pair.client, *words)
    return pair.system_call(Call.CALL, EP)
