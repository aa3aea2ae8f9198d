"""A caller with scheduling control, and a context that it may configure."""

from __future__ import annotations

from pith.abi.labels import Label
from pith.kernel.objects import Cap, SchedContext, SchedContextCap, SchedControlCap

from .conftest import World
from .invoking import Invoking

CONTROL, CONTEXT = 5, 6


class Timing(Invoking):
    """A caller with scheduling control, and a context of 256 bytes that is not configured."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.object = world.make(SchedContext, 256)
        self.give(self.caller, CONTROL, SchedControlCap(0))
        self.give(self.caller, CONTEXT, SchedContextCap(8, self.object))

    def configure(
        self, amount: int, period: int, extra: int = 0, badge: int = 0, flags: int = 0, cap: Cap | None = None
    ) -> tuple[int, list[int]]:
        target = cap or SchedContextCap(8, self.object)
        label = Label.SCHED_CONTROL_CONFIGURE_FLAGS
        return self.invoke(label, amount, period, extra, badge, flags, caps=(target,), on=CONTROL)

    def on_context(self, label: Label, *caps: Cap) -> tuple[int, list[int]]:
        return self.invoke(label, caps=caps, on=CONTEXT)
