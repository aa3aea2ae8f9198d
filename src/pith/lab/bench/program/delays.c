/* How long interrupts wait while the kernel does what user level can make long.
 *
 * Each operation is prepared at a size, and done while interrupts come at changing distances; so often that they fall into
 * all parts of it. Threads that wait are two instructions without a stack; they stand between the initial thread and the
 * handler in priority, so that who is sent away runs at once, and finds nothing to wait at any more. */

#include "console.h"
#include "flood.h"
#include "resources.h"
#include "samples.h"

enum { MOST = 10000, HOME_BITS = 14, TCB_BITS = 11, CONTEXT_BITS = 7, FAN_OUT = 256, LOW = 1 };
enum { WORK = 10000, MOST_ROUNDS = 20, BUDGET = 50, PERIOD = 60000000, SHARE = 300, REFILL_BITS = 18, SPORADIC = 1 };
enum { SPACE_ADDRESS = 0x40000000 };

/* CNodes of their own for many capabilities, for the program's has too few slots; and slots for what is in hand. */
static word tcb_home, context_home, spare_home, tcb_count, calling;
static word tcb_memory, context_memory, spare_memory;
static word object, cancelled, kept, hand, context_hand;

static struct pith_place in_home(word home, word index) { return (struct pith_place){home, index, HOME_BITS}; }

static void revoke_slot(word slot) { check("revoke", pith_cnode_revoke(pith_own(slot))); }
static void delete_slot(word slot) { check("delete", pith_cnode_delete(pith_own(slot))); }

static void make_many(word untyped, word type, word bits, word home, word first, word count)
{
    for (word made = 0; made < count; made += FAN_OUT) {
        word some = count - made < FAN_OUT ? count - made : FAN_OUT;
        check("retype many", pith_untyped_retype(untyped, type, bits, home, 0, 0, first + made, some));
    }
}

/* Threads ------------------------------------------------------------------------------------------------- */

__attribute__((naked)) static void call_for_ever(void) { __asm__ volatile("1:\n\tecall\n\tj 1b"); }

static void put_away(word home, word slot, word index)
{
    check("move", pith_cnode_move(in_home(home, index), pith_own(slot)));
}

static void grow_crowd(word count)
{
    for (; tcb_count < count; tcb_count++) {
        make_many(tcb_memory, PITH_TCB, 0, PITH_ROOT_CNODE, hand, 1);
        make_many(context_memory, PITH_SCHED_CONTEXT, CONTEXT_BITS, PITH_ROOT_CNODE, context_hand, 1);
        check("configure a thread", pith_tcb_configure(hand, PITH_ROOT_CNODE, 0, PITH_ROOT_VSPACE, 0, 0));
        check("configure a scheduling context",
              pith_sched_control_configure(sched_control, context_hand, BUDGET, PERIOD, 0, 0, 0));
        check("set scheduling parameters",
              pith_tcb_set_sched_params(hand, PITH_ROOT_TCB, HIGHER, HIGHER, context_hand, 0));
        put_away(tcb_home, hand, tcb_count);
        put_away(context_home, context_hand, tcb_count);
    }
}

/* Who found nothing to wait at may be calling still. */
static void stop_crowd(void)
{
    for (; calling; calling--) {
        check("copy", pith_cnode_copy(pith_own(hand), in_home(tcb_home, calling - 1), PITH_ALL_RIGHTS));
        check("suspend", pith_tcb_suspend(hand));
        delete_slot(hand);
    }
}

/* All that was made of the spare memory ends first. */
static void make_object(word type, word size_bits)
{
    stop_crowd();
    revoke_slot(spare_memory);
    make_many(spare_memory, type, size_bits, PITH_ROOT_CNODE, object, 1);
}

/* Each of the crowd makes a system call, again and again: it waits in it, or is stopped by its fault. */
static void let_call(word count, long number, word cap, word other_cap)
{
    grow_crowd(count);
    calling = count;
    for (word i = 0; i < count; i++) {
        struct pith_user_context context = {0};
        context.pc = (word)call_for_ever;
        context.a0 = i % 2 ? other_cap : cap;
        context.a7 = (word)number;
        check("copy", pith_cnode_copy(pith_own(hand), in_home(tcb_home, i), PITH_ALL_RIGHTS));
        check("copy", pith_cnode_copy(pith_own(context_hand), in_home(context_home, i), PITH_ALL_RIGHTS));
        check("renew a budget",
              pith_sched_control_configure(sched_control, context_hand, BUDGET, PERIOD, 0, 0, 0));
        check("write registers", pith_tcb_write_registers(hand, true, &context));
        delete_slot(hand);
        delete_slot(context_hand);
    }
}

/* Operations ---------------------------------------------------------------------------------------------- */

static void use_pages(word count)
{
    revoke_slot(spare_memory);
    make_many(spare_memory, PITH_PAGE, 0, spare_home, 0, count);
    revoke_slot(spare_memory);
}

static void make_one(word count)
{
    (void)count;
    make_many(spare_memory, PITH_PAGE, 0, spare_home, 0, 1);
}

static void clear_spare(word count)
{
    (void)count;
    make_object(PITH_ENDPOINT, 0);
    revoke_slot(spare_memory);
    make_object(PITH_ENDPOINT, 0);
    delete_slot(object);
}

static void make_threads_anew(word count)
{
    make_object(PITH_ENDPOINT, 0);
    make_many(spare_memory, PITH_TCB, 0, spare_home, 0, count);
}

static void make_threads(word count) { make_many(spare_memory, PITH_TCB, 0, spare_home, 0, count); }

static void wait_at_endpoint(word count)
{
    make_object(PITH_ENDPOINT, 0);
    let_call(count, PITH_SYS_WAIT, object, object);
}

static void wait_at_notification(word count)
{
    make_object(PITH_NOTIFICATION, 0);
    let_call(count, PITH_SYS_WAIT, object, object);
}

static void delete_object(word count) { (void)count; delete_slot(object); }
static void revoke_spare(word count) { (void)count; revoke_slot(spare_memory); }

static void send_with_badges(word count)
{
    make_object(PITH_ENDPOINT, 0);
    check("mint", pith_cnode_mint(pith_own(cancelled), pith_own(object), PITH_ALL_RIGHTS, 1));
    check("mint", pith_cnode_mint(pith_own(kept), pith_own(object), PITH_ALL_RIGHTS, 2));
    let_call(count, PITH_SYS_SEND, kept, cancelled);
}

/* Those that are cancelled send again: each is moved behind the others by itself. */
static void cancel(word count)
{
    (void)count;
    check("cancel badged sends", pith_cnode_cancel_badged_sends(pith_own(cancelled)));
}

static void fill_cnode(word count)
{
    make_object(PITH_CNODE, HOME_BITS);
    for (word i = 0; i < count; i++)
        check("copy", pith_cnode_copy(in_home(object, i), pith_own(PITH_ROOT_DOMAIN), PITH_ALL_RIGHTS));
}

static void fill_cnode_with_threads(word count)
{
    make_object(PITH_CNODE, HOME_BITS);
    make_many(spare_memory, PITH_TCB, 0, object, 0, count);
}

static void map_table(word address, word index)
{
    make_many(spare_memory, PITH_PAGE_TABLE, 0, PITH_ROOT_CNODE, hand, 1);
    check("map a table", pith_page_table_map(hand, object, address, 0));
    put_away(spare_home, hand, index);
}

/* One page, mapped at as many addresses by as many capabilities, in an address space of its own. */
static void fill_space(word count)
{
    word tables = MOST;
    make_object(PITH_PAGE_TABLE, 0);
    check("assign an identifier", pith_asid_assign(PITH_ROOT_ASID_POOL, object));
    make_many(spare_memory, PITH_PAGE, 0, PITH_ROOT_CNODE, kept, 1);
    map_table(SPACE_ADDRESS, tables++);
    for (word i = 0; i < count; i++) {
        word address = SPACE_ADDRESS + (i << 12);
        if (i % 512 == 0)
            map_table(address, tables++);
        check("copy", pith_cnode_copy(pith_own(hand), pith_own(kept), PITH_ALL_RIGHTS));
        check("map a page", pith_page_map(hand, object, address, PITH_READ, 0));
        put_away(spare_home, hand, i);
    }
}

static void end_space(word count)
{
    (void)count;
    delete_slot(object);
    revoke_slot(spare_memory);
}

/* The crowd has no budget for a minute: one thread more comes, and goes. */
static void use_budgets(word count)
{
    stop_crowd();
    let_call(count, PITH_SYS_YIELD, 0, 0);
}

static void stop_one(word count)
{
    for (word i = 0; i < count && i < FAN_OUT; i++) {
        check("copy", pith_cnode_copy(pith_own(hand), in_home(tcb_home, i * 37 % count), PITH_ALL_RIGHTS));
        check("suspend", pith_tcb_suspend(hand));
        check("resume", pith_tcb_resume(hand));
        delete_slot(hand);
    }
}

/* From the front of all that wait to behind them, and back. */
static void change_priority(word count)
{
    check("copy", pith_cnode_copy(pith_own(hand), in_home(tcb_home, count / 2), PITH_ALL_RIGHTS));
    for (word priority = LOW; priority < HIGHER; priority += 10)
        check("set a priority", pith_tcb_set_priority(hand, PITH_ROOT_TCB, priority));
    check("set a priority", pith_tcb_set_priority(hand, PITH_ROOT_TCB, HIGHER));
    delete_slot(hand);
}

/* A thread that used a little of its budget many times, each of which comes back by itself; all have when it wakes again. */
static void use_budget_in_pieces(word count)
{
    struct pith_user_context context = {0};
    context.pc = (word)call_for_ever;
    context.a0 = object;
    context.a7 = (word)PITH_SYS_WAIT;
    make_object(PITH_NOTIFICATION, 0);
    make_many(spare_memory, PITH_TCB, 0, PITH_ROOT_CNODE, kept, 1);
    make_many(spare_memory, PITH_SCHED_CONTEXT, REFILL_BITS, PITH_ROOT_CNODE, cancelled, 1);
    check("configure a scheduling context", pith_sched_control_configure(
        sched_control, cancelled, SHARE, 2 * SHARE, count, 0, SPORADIC));
    check("configure a thread", pith_tcb_configure(kept, PITH_ROOT_CNODE, 0, PITH_ROOT_VSPACE, 0, 0));
    check("set scheduling parameters", pith_tcb_set_sched_params(kept, PITH_ROOT_TCB, HIGHER, HIGHER, cancelled, 0));
    check("write registers", pith_tcb_write_registers(kept, true, &context));
    for (word i = 0; i < count; i++)
        pith_signal(object);
}

static void use_all_again(word count)
{
    (void)count;
    for (word began = stamp(); stamp() - began < 3000 * SHARE;)
        ;
    pith_signal(object);
}

static void change_domains(word count)
{
    (void)count;
    check("configure the schedule", pith_domain_schedule_configure(PITH_ROOT_DOMAIN, 1, 0, 1000000));
    check("begin the schedule anew", pith_domain_schedule_set_start(PITH_ROOT_DOMAIN, 0));
    check("set a domain", pith_domain_set(PITH_ROOT_DOMAIN, 0, PITH_ROOT_TCB));
}

/* Measuring ----------------------------------------------------------------------------------------------- */

struct operation { const char *curve; void (*prepare)(word count), (*act)(word count); };

static void nothing(word count) { (void)count; }

static const struct operation operations[] = {
    {"delay.clear", use_pages, make_one},
    {"delay.retype", clear_spare, make_threads},
    {"delay.endpoint", wait_at_endpoint, delete_object},
    {"delay.notification", wait_at_notification, delete_object},
    {"delay.cancel", send_with_badges, cancel},
    {"delay.priority", wait_at_endpoint, change_priority},
    {"delay.cnode", fill_cnode, delete_object},
    {"delay.threads", fill_cnode_with_threads, delete_object},
    {"delay.space", fill_space, end_space},
    {"delay.revoke", make_threads_anew, revoke_spare},
    {"delay.release", use_budgets, stop_one},
    {"delay.refills", use_budget_in_pieces, use_all_again},
    {"delay.domain", nothing, change_domains},
};

static void measure(const struct operation *operation, word count)
{
    word rounds = WORK / count < MOST_ROUNDS ? WORK / count : MOST_ROUNDS, most = 0;
    for (word i = 0; i < rounds; i++) {
        operation->prepare(count);
        begin_flood(SHORTEST_GAP);
        operation->act(count);
        word found = end_flood();
        most = found > most ? found : most;
    }
    report_value(operation->curve, count, most);
}

void measure_delays(void)
{
    if (!asked_for("delays"))
        return;
    spare_memory = take_untyped(26);
    tcb_memory = take_untyped(TCB_BITS + HOME_BITS);
    context_memory = take_untyped(CONTEXT_BITS + HOME_BITS);
    word homes = take_untyped(HOME_BITS + 5 + 2);
    tcb_home = retype(homes, PITH_CNODE, HOME_BITS);
    context_home = retype(homes, PITH_CNODE, HOME_BITS);
    spare_home = retype(homes, PITH_CNODE, HOME_BITS);
    object = new_slot();
    cancelled = new_slot();
    kept = new_slot();
    hand = new_slot();
    context_hand = new_slot();
    start_flood_handler();
    for (word i = 0; i < sizeof operations / sizeof *operations; i++)
        for (word count = 1; count <= MOST; count *= 10)
            measure(&operations[i], count);
    end_threads();
}
