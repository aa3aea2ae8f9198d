"""Whatever a scheduling context is put through, its refills stay in order (hypothesis chooses what)."""

from __future__ import annotations

import mmap

from hypothesis import given
from hypothesis import strategies as st

from pith.kernel import budget
from pith.kernel.objects import SchedContext
from pith.kernel.riscv64.window import WINDOW_BASE
from pith.kernel.state import kernel
from pith.metal import memory
from pith.verify import contexts
from pith.verify.census import Census

MARGIN = 10
LEAST = 2 * MARGIN
steps = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(1, 800)),
        st.tuples(st.just("sleep"), st.integers(0, 3000)),
        st.tuples(st.just("end slice"), st.just(0)),
        st.tuples(st.just("update"), st.integers(LEAST, 900)),
    ),
    max_size=40,
)


def new_context() -> SchedContext:
    memory.attach(mmap.mmap(-1, 1 << 20), WINDOW_BASE + 0x8000_0000)
    kernel.now, kernel.margin = 5000, MARGIN
    return SchedContext.at(WINDOW_BASE + 0x800C_0000)


@given(amount=st.integers(LEAST, 900), extra=st.integers(0, 2000), refills=st.integers(2, 6), steps=steps)
def test_refills_stay_in_order(amount: int, extra: int, refills: int, steps: list[tuple[str, int]]) -> None:
    context = new_context()
    census = Census(objects={SchedContext: {context.address: context}})
    budget.renew(context, amount, amount + extra, refills)
    for step, number in [("", 0), *steps]:
        match step:
            case "use" if budget.is_ready(context):
                kernel.now += number
                budget.charge(context, number)
            case "sleep":
                kernel.now += number
                budget.unblock(context)
            case "end slice" if budget.is_round_robin(context):
                budget.end_slice(context)
            case "update":
                budget.update(context, number, number + extra, refills)
        found = [v for rule in contexts.RULES for v in rule(census)]
        assert not found, (step, number, *map(str, found))
