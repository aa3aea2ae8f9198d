/* How the number of ready threads, and of priorities that have one, changes the cost of what one thread does.
 *
 * The crowd is ready and never runs, for all of it has a lower priority than the thread that measures. */

#include "console.h"
#include "resources.h"
#include "samples.h"

enum { MOST_THREADS = 10000, HOME_BITS = 15, TCB_BITS = 11, CONTEXT_BITS = 7, BUDGET_MICROSECONDS = 5000 };
enum { MOST_PRIORITIES = 250, TOP = 254, ABOVE_TOP = 255 };

/* The crowd's capabilities have a CNode of their own: the program's has too few slots. */
static word home, home_count, tcbs, contexts;

static word notification, endpoint, reply;

static void set_up_crowd(void)
{
    home = retype(take_untyped(HOME_BITS + 5), PITH_CNODE, HOME_BITS);
    home_count = 0;
    tcbs = take_untyped(TCB_BITS + 14);
    contexts = take_untyped(CONTEXT_BITS + 14);
}

/* Put a capability away, so that its slot can be used again. */
static void put_away(word slot)
{
    struct pith_place place = {home, home_count++, HOME_BITS};
    check("move a capability away", pith_cnode_move(place, pith_own(slot)));
}

static word new_ready_thread(word tcb_slot, word context_slot, word priority)
{
    check("retype a TCB", pith_untyped_retype(tcbs, PITH_TCB, 0, PITH_ROOT_CNODE, 0, 0, tcb_slot, 1));
    check("retype a context", pith_untyped_retype(
        contexts, PITH_SCHED_CONTEXT, CONTEXT_BITS, PITH_ROOT_CNODE, 0, 0, context_slot, 1));
    check("configure a scheduling context", pith_sched_control_configure(
        sched_control, context_slot, BUDGET_MICROSECONDS, BUDGET_MICROSECONDS, 0, 0, 0));
    check("set scheduling parameters",
          pith_tcb_set_sched_params(tcb_slot, PITH_ROOT_TCB, priority, priority, context_slot, 0));
    check("resume a thread", pith_tcb_resume(tcb_slot));
    return tcb_slot;
}

/* Threads of the priorities from 1 up to `priorities`, in turn. */
static void grow_crowd(word from, word to, word priorities)
{
    static word tcb_slot, context_slot;
    if (!tcb_slot) {
        tcb_slot = new_slot();
        context_slot = new_slot();
    }
    for (word i = from; i < to; i++) {
        new_ready_thread(tcb_slot, context_slot, 1 + i % priorities);
        put_away(tcb_slot);
        put_away(context_slot);
    }
}

static void measure_call(const char *curve, word x, long number, word cap)
{
    word samples[POINT_SAMPLES];
    for (word i = 0; i < POINT_SAMPLES; i++)
        samples[i] = duration(system_call(number, cap, 0, 0).stamps);
    report_point(curve, x, samples);
}

static void measure_invocations(word tcb, word x)
{
    word resumed[POINT_SAMPLES], suspended[POINT_SAMPLES];
    for (word i = 0; i < POINT_SAMPLES; i++) {
        struct invocation suspend = {.target = tcb, .label = PITH_TCB_SUSPEND};
        struct invocation resume = {.target = tcb, .label = PITH_TCB_RESUME};
        suspended[i] = duration(invoke(pith_ipc_buffer, &suspend).stamps);
        resumed[i] = duration(invoke(pith_ipc_buffer, &resume).stamps);
    }
    report_point("priorities.suspend", x, suspended);
    report_point("priorities.resume", x, resumed);
}

static _Noreturn void wait_always(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    for (;;)
        system_call(PITH_SYS_WAIT, notification, 0, 0);
}

static _Noreturn void serve(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    system_call(PITH_SYS_RECV, endpoint, 0, reply);
    for (;;)
        system_call(PITH_SYS_REPLY_RECV, endpoint, 0, reply);
}

static void start_partners(word priority)
{
    notification = new_object(PITH_NOTIFICATION, 0);
    endpoint = new_object(PITH_ENDPOINT, 0);
    reply = new_object(PITH_REPLY, 0);
    start_thread(new_address_space(), priority, false, wait_always);
    start_thread(new_address_space(), priority, true, serve);
}

static void measure_threads(void)
{
    set_up_crowd();
    start_partners(HIGHER);
    for (word count = 1, before = 0; count <= MOST_THREADS; before = count, count *= 10) {
        grow_crowd(before, count, MIDDLE - 1);
        measure_call("threads.call", count, PITH_SYS_CALL, endpoint);
        measure_call("threads.wake", count, PITH_SYS_SEND, notification);
    }
    end_threads();
}

static void measure_priorities(void)
{
    check("set the own priority", pith_tcb_set_priority(PITH_ROOT_TCB, PITH_ROOT_TCB, TOP));
    set_up_crowd();
    start_partners(ABOVE_TOP);
    word subject = new_ready_thread(new_slot(), new_slot(), 1);
    for (word count = 1, before = 0; before < MOST_PRIORITIES; before = count, count *= 2) {
        if (count > MOST_PRIORITIES)
            count = MOST_PRIORITIES;
        grow_crowd(before, count, MOST_PRIORITIES);
        measure_invocations(subject, count);
        measure_call("priorities.wake", count, PITH_SYS_SEND, notification);
    }
    end_threads();
    check("set the own priority", pith_tcb_set_priority(PITH_ROOT_TCB, PITH_ROOT_TCB, MIDDLE));
}

void measure_crowds(void)
{
    if (asked_for("threads"))
        measure_threads();
    if (asked_for("priorities"))
        measure_priorities();
}
