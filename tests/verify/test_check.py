"""A world in order has no violation; and for each rule there is a way to break it that the rule finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pith.kernel import budget, scheduler
from pith.kernel.objects import (
    Endpoint,
    FaultKind,
    Notification,
    NotificationCap,
    NotificationState,
    NullCap,
    PageTableEntry,
    Reply,
    ReplyCap,
    SchedContext,
    SchedContextCap,
    Slot,
    Thread,
    ThreadState,
    UntypedCap,
)
from pith.kernel.riscv64.fpu import FPU_DISABLED
from pith.kernel.riscv64.vspace import USER_ENTRIES, table_entry
from pith.kernel.state import DOMAINS, SchedulerAction, kernel
from pith.metal import memory, replace, size_of
from pith.verify.census import SLOT_BYTES, take_census
from pith.verify.check import OF_SLOTS, RULES, Checker, InvariantsViolated, check_all, require_all
from pith.verify.naming import name_of
from tests.kernel.conftest import RAM, RAM_SIZE

from .conftest import Town

Breaking = Callable[[Town], None]
BREAKINGS: dict[str, Breaking] = {}


def breaks(rule: str) -> Callable[[Breaking], Breaking]:
    """The function changes a town so that this rule, perhaps among others, does not hold."""

    def note(function: Breaking) -> Breaking:
        assert rule not in BREAKINGS
        BREAKINGS[rule] = function
        return function

    return note


def context_of(thread: Thread) -> SchedContext:
    assert thread.context is not None
    return thread.context


def untyped_of(town: Town) -> UntypedCap:
    cap = town.untyped.cap
    assert isinstance(cap, UntypedCap)
    return cap


# Derivation -----------------------------------------------------------------------------------------------


@breaks("neighbours_point_at_each_other")
def cut_a_link_back(town: Town) -> None:
    town.badged.previous = None


@breaks("every_order_has_a_beginning")
def close_a_circle(town: Town) -> None:
    town.untyped.previous = town.badged


@breaks("empty_slots_are_unlinked")
def leave_a_link_in_an_empty_slot(town: Town) -> None:
    town.world.slot_of(town.root, 200).previous = town.badged


@breaks("slots_stand_in_containers")
def link_a_slot_from_nowhere(town: Town) -> None:
    stray = town.take(Slot)
    stray.cap, stray.previous = town.badged.cap, town.badged_copy
    town.badged_copy.link = replace(town.badged_copy.link, next=stray)


@breaks("capabilities_to_one_object_stand_together")
def copy_a_capability_behind_another_object(town: Town) -> None:
    town.keep(town.notification_slot.cap, town.endpoint_slot)


@breaks("the_original_stands_first")
def mark_a_copy_as_original(town: Town) -> None:
    copy = town.keep(town.frame, town.frame_slot)
    copy.link = replace(copy.link, revocable=True)


@breaks("badge_families_begin_marked")
def take_the_mark_off(town: Town) -> None:
    town.badged.link = replace(town.badged.link, first_badged=False)


# Memory ---------------------------------------------------------------------------------------------------


@breaks("whatever_is_referred_to_has_a_capability")
def forget_the_notifications_capability(town: Town) -> None:
    before, after = town.notification_slot.previous, town.notification_slot.link.next
    assert before is not None and after is not None
    before.link = replace(before.link, next=after)
    after.previous = before
    town.world.write(town.world.physical(town.notification_slot), bytes(SLOT_BYTES))


@breaks("objects_do_not_overlap")
def lay_a_notification_over_a_thread(town: Town) -> None:
    inside = type(town.notification).at(town.sender.address + 1024)
    town.keep(NotificationCap(True, True, inside, 0), town.untyped)


@breaks("objects_lie_in_the_used_part_of_their_untyped")
def lower_the_watermark(town: Town) -> None:
    town.untyped.cap = replace(untyped_of(town), watermark=4096)


@breaks("untypeds_hold_their_descendants_only")
def cut_an_object_off_its_untyped(town: Town) -> None:
    town.untyped.link = replace(town.untyped.link, revocable=False)


@breaks("the_kernel_keeps_its_own_memory")
def give_the_idle_thread_away(town: Town) -> None:
    assert kernel.idle is not None
    town.keep(UntypedCap(11, False, town.world.physical(kernel.idle), 0))


@breaks("untypeds_are_aligned")
def move_an_untyped_off_its_boundary(town: Town) -> None:
    cap = untyped_of(town)
    town.keep(UntypedCap(16, False, cap.base + 0x8000, 0), town.untyped)


@breaks("watermarks_lie_inside")
def raise_the_watermark_over_the_top(town: Town) -> None:
    town.untyped.cap = replace(untyped_of(town), watermark=(1 << 20) + 1)


@breaks("objects_are_aligned")
def misplace_a_context(town: Town) -> None:
    middle = SchedContext.at(context_of(town.ready).address + 8)
    town.keep(SchedContextCap(7, middle), town.untyped)


@breaks("device_memory_holds_frames_only")
def make_a_frame_a_device(town: Town) -> None:
    town.frame_slot.cap = replace(town.frame, is_device=True)


# Threads --------------------------------------------------------------------------------------------------


@breaks("the_current_thread_can_run")
def run_a_stopped_thread(town: Town) -> None:
    town.runner.state = ThreadState.INACTIVE


@breaks("the_current_context_is_the_current_threads")
def charge_somebody_else(town: Town) -> None:
    kernel.current_context = town.ready.context


@breaks("no_decision_is_left")
def leave_a_candidate(town: Town) -> None:
    kernel.next_thread, kernel.scheduler_action = town.ready, SchedulerAction.SWITCH


@breaks("only_the_idle_thread_is_idle")
def idle_about(town: Town) -> None:
    town.ready.state = ThreadState.IDLE


@breaks("threads_wait_for_what_their_state_says")
def wait_for_nothing(town: Town) -> None:
    town.receiver.wait_endpoint = None


@breaks("runnable_threads_have_no_fault")
def run_on_with_a_fault(town: Town) -> None:
    town.ready.fault_kind = FaultKind.VM


@breaks("domains_exist")
def leave_for_a_domain_that_is_not(town: Town) -> None:
    town.receiver.domain = DOMAINS


@breaks("who_can_run_competes")
def wake_without_queueing(town: Town) -> None:
    town.sender.state = ThreadState.RUNNING


# Queues ---------------------------------------------------------------------------------------------------


@breaks("queues_are_linked_both_ways")
def forget_the_one_before(town: Town) -> None:
    town.second.queue_previous = None


@breaks("a_thread_stands_in_one_queue")
def keep_links_out_of_queues(town: Town) -> None:
    town.runner.queue_next = town.ready


@breaks("queued_threads_wait_for_their_queue")
def stop_a_queued_thread(town: Town) -> None:
    town.waiter.state = ThreadState.INACTIVE


@breaks("waiting_threads_are_queued")
def empty_a_queue(town: Town) -> None:
    town.endpoint.queue.head = town.endpoint.queue.tail = None


@breaks("nobody_sends_where_somebody_receives")
def send_among_receivers(town: Town) -> None:
    town.second.state = ThreadState.BLOCKED_ON_RECEIVE


@breaks("queues_are_sorted_by_priority")
def raise_a_priority_in_place(town: Town) -> None:
    town.second.priority = 61


@breaks("the_last_of_each_priority_leads_upwards")
def forget_who_stands_above(town: Town) -> None:
    town.second.queue_above = None


@breaks("a_cancellation_goes_on_at_a_sender")
def go_on_at_one_who_receives(town: Town) -> None:
    kernel.cancel_endpoint = town.endpoint
    kernel.cancel_next = town.receiver


@breaks("notifications_wait_or_hold_badges")
def be_idle_with_a_queue(town: Town) -> None:
    town.notification.state = NotificationState.IDLE


@breaks("bound_notifications_are_mutual")
def bind_one_way(town: Town) -> None:
    town.receiver.bound_notification = town.notification


@breaks("the_bitmap_matches_the_queues")
def clear_a_bit(town: Town) -> None:
    kernel.ready[0].bitmap[3] = 0


@breaks("the_best_rank_is_known")
def expect_nobody(town: Town) -> None:
    kernel.best_rank = 256


@breaks("ready_threads_stand_where_they_belong")
def change_a_ready_threads_priority(town: Town) -> None:
    town.ready.priority += 1


@breaks("marked_threads_are_queued")
def mark_a_blocked_thread_ready(town: Town) -> None:
    town.receiver.is_ready = True


@breaks("the_current_thread_is_not_queued")
def mark_the_current_thread_ready(town: Town) -> None:
    town.runner.is_ready = True


@breaks("ready_threads_can_run")
def take_a_ready_threads_budget(town: Town) -> None:
    budget.first(context_of(town.ready)).amount = 1


@breaks("postponed_threads_are_queued")
def forget_that_one_is_postponed(town: Town) -> None:
    town.late.is_postponed = False


@breaks("postponed_threads_wait_for_time_only")
def stop_a_postponed_thread(town: Town) -> None:
    town.late.state = ThreadState.INACTIVE


@breaks("releases_are_sorted")
def release_the_first_last(town: Town) -> None:
    assert kernel.next_release is not None
    kernel.next_release.release_time = 1 << 61


@breaks("releases_are_when_the_refill_comes")
def delay_a_refill(town: Town) -> None:
    budget.first(context_of(town.sleeper)).time = 9001


@breaks("the_heap_leans_left")
def forget_a_rank(town: Town) -> None:
    town.late.release_rank = 0


@breaks("quiet_ends_in_time")
def look_up_too_late(town: Town) -> None:
    kernel.quiet_until = budget.first(context_of(town.sleeper)).time - budget.smallest() + 1


# Time -----------------------------------------------------------------------------------------------------


@breaks("rings_fit")
def have_more_refills_than_room(town: Town) -> None:
    context_of(town.ready).refill_max = 3


@breaks("refills_add_up")
def lose_a_tick(town: Town) -> None:
    budget.first(context_of(town.ready)).amount -= 1


@breaks("refills_follow_one_another")
def overlap_refills(town: Town) -> None:
    context = context_of(town.ready)
    context.refill_count = 2
    budget.first(context).amount -= 50
    last = budget.last(context)
    last.time, last.amount = budget.first(context).time + 249, 50


@breaks("round_robin_has_two_refills")
def forget_the_used_part(town: Town) -> None:
    context_of(town.ready).period = 0


@breaks("first_refills_are_worth_running_for")
def start_with_a_crumb(town: Town) -> None:
    budget.first(context_of(town.sender)).amount = budget.smallest() - 1


@breaks("contexts_and_threads_are_mutual")
def run_on_somebody_elses_time(town: Town) -> None:
    town.receiver.context = town.ready.context


@breaks("contexts_and_notifications_are_mutual")
def bind_a_context_one_way(town: Town) -> None:
    town.notification.context = town.ready.context


@breaks("yields_are_mutual")
def yield_one_way(town: Town) -> None:
    town.runner.yielding_to = town.ready.context


@breaks("who_yields_can_run")
def yield_and_wait(town: Town) -> None:
    context = context_of(town.ready)
    town.receiver.yielding_to, context.yielding_from = context, town.receiver


# Calls ----------------------------------------------------------------------------------------------------


@breaks("callers_know_their_reply")
def answer_the_wrong_thread(town: Town) -> None:
    town.reply.caller = town.ready


@breaks("stacks_are_linked_both_ways")
def stack_one_way(town: Town) -> None:
    town.reply.previous = another_reply(town)


@breaks("stacks_end")
def stack_a_reply_on_itself(town: Town) -> None:
    town.reply.previous = town.reply.next = town.reply


@breaks("contexts_and_stacks_are_mutual")
def drop_the_stack(town: Town) -> None:
    context_of(town.callee).reply = None


@breaks("only_callers_are_stacked")
def stack_a_reply_without_a_caller(town: Town) -> None:
    below = another_reply(town)
    town.reply.previous, below.next = below, town.reply


def another_reply(town: Town) -> Reply:
    reply = town.take(Reply)
    town.keep(ReplyCap(True, reply), town.untyped)
    return reply


# Address spaces -------------------------------------------------------------------------------------------


@breaks("roots_belong_to_their_asid")
def name_a_root_twice(town: Town) -> None:
    town.pool.roots[6] = town.space


@breaks("roots_share_the_kernels_half")
def change_the_kernels_half(town: Town) -> None:
    town.space.entries[USER_ENTRIES] = PageTableEntry()


@breaks("pages_belong_to_frames")
def map_a_page_that_is_nobodys(town: Town) -> None:
    town.leaves.entries[9] = PageTableEntry(valid=1, read=1, user=1, frame=0x80000)


@breaks("pages_are_the_users")
def map_a_page_for_the_kernel(town: Town) -> None:
    town.leaves.entries[0] = replace(town.leaves.entries[0], user=0)


@breaks("tables_belong_to_capabilities")
def map_a_table_twice(town: Town) -> None:
    town.table.entries[2] = table_entry(town.leaves)


@breaks("known_spaces_are_the_threads")
def remember_another_space(town: Town) -> None:
    kernel.space_epoch = 3
    town.receiver.space_epoch, town.receiver.satp = 3, 0x123


@breaks("the_processor_uses_a_living_root")
def leave_the_processor_in_a_dead_space(town: Town) -> None:
    kernel.current_root = 8 << 60 | 9 << 44 | town.world.physical(town.space) >> 12


# Floating point -------------------------------------------------------------------------------------------


@breaks("the_owner_uses_floating_point")
def load_registers_that_nobody_uses(town: Town) -> None:
    kernel.fpu_owner = town.receiver


@breaks("who_is_denied_floating_point_has_none")
def deny_one_that_uses_it(town: Town) -> None:
    town.receiver.float_use, town.receiver.flags = 1, FPU_DISABLED


@breaks("floating_point_is_on_for_its_owner")
def leave_it_on_for_another(town: Town) -> None:
    kernel.fpu_status = 0


# ----------------------------------------------------------------------------------------------------------


def test_a_world_in_order(town: Town) -> None:
    assert check_all() == []
    census = take_census()
    assert len(census.caps) == town.used + 1  # the root CNode's two
    assert len(list(census.all(Thread))) == 11


@pytest.mark.parametrize("rule", [rule.__name__ for rule in RULES])
def test_each_rule_finds_what_breaks_it(town: Town, rule: str) -> None:
    BREAKINGS[rule](town)
    assert rule in {violation.rule for violation in check_all()}


def test_every_rule_is_explained() -> None:
    for rule in RULES:
        assert rule.__doc__ and rule.__doc__.strip().endswith(".")


def test_a_violation_names_object_found_and_expected(town: Town) -> None:
    raise_a_priority_in_place(town)
    (violation,) = check_all()
    at = f"{town.world.physical(town.mailbox):#x}"
    assert str(violation) == (
        f"endpoint at {at}: found priorities [60, 61], expected falling priorities "
        "[queues_are_sorted_by_priority]"
    )


def test_what_cannot_be_read_is_a_violation_and_no_crash(town: Town) -> None:
    memory.view_u64[(town.receiver.address - memory.base + Thread.layout().fields["context"].offset) >> 3] = 8
    found = [v for v in check_all() if v.rule == ""]
    assert found[0].subject.startswith('thread "receiver"')
    assert found[0].found == "MemoryError: address 0x8 (+96) is outside memory " + (
        f"{memory.base:#x}..{memory.base + memory.size:#x}"
    )


def test_requiring_raises_and_counts(town: Town) -> None:
    require_all()
    lose_a_tick(town)
    with pytest.raises(InvariantsViolated, match="1 violations after a test:\n  context at"):
        require_all("after a test")


def test_slots_are_named_by_their_place(town: Town) -> None:
    census = take_census()
    assert census.slot_name(town.badged) == f"CNode {town.world.physical(town.root.cnode):#x}[5]"
    assert census.slot_name(town.runner.slots[0]) == f"CSpace root of {name_of(town.runner)}"
    assert census.slot_name(Slot.at(town.sender.address)).startswith("slot at 0x")


def test_when_nobody_runs_everybody_is_found_all_the_same(town: Town) -> None:
    for thread in (town.ready, town.callee):
        scheduler.dequeue(thread)
        thread.state = ThreadState.INACTIVE
    for thread in (town.sleeper, town.late):
        scheduler.dequeue(thread)
        thread.state = ThreadState.INACTIVE
    town.runner.state, kernel.current, kernel.current_context = ThreadState.INACTIVE, kernel.idle, None
    kernel.scheduler_action = SchedulerAction.KEEP
    assert check_all() == []
    assert len(list(take_census().all(Thread))) == 11
    for slot in (town.world.slot_of(town.root, 2), town.runner.slots[0]):
        town.world.put(slot, NullCap())
    assert len(list(take_census().all(Thread))) < 11  # what is no CNode any more is not read as one


def test_a_cnode_at_the_end_of_memory_is_read(town: Town) -> None:
    end = RAM + RAM_SIZE
    town.world.free = end - (SLOT_BYTES << 4)  # the fixture's memory ends behind this CNode
    town.keep(town.world.cnode(4))
    assert town.world.free == end and check_all() == []


def test_a_checker_asks_of_slots_again_when_one_has_changed(town: Town) -> None:
    checker = Checker()
    assert checker.check() == [] == checker.check()
    before = town.badged.previous
    cut_a_link_back(town)
    found = checker.check()
    assert "neighbours_point_at_each_other" in {violation.rule for violation in found}
    assert checker.check() == found  # what was wrong is asked again
    town.badged.previous = before
    assert checker.check() == []


def test_rules_of_slots_look_at_nothing_else(town: Town) -> None:
    """With every object but the slots in disorder they find nothing."""
    census = take_census()
    for kind in (Thread, Endpoint, Notification, Reply, SchedContext):
        for item in census.all(kind):
            size = kind.layout().fields["slots"].offset if kind is Thread else size_of(kind)
            start = memory.offset_of(item.address, size, 1)
            memory.view_u8[start : start + size] = bytes([0x5A]) * size
    assert [v for rule in OF_SLOTS for v in rule(census)] == []
