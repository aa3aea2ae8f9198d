/* Signals that wake somebody. */

#include "resources.h"
#include "samples.h"

/* The other thread waits at the one, and signals the other. */
static word there, back;

/* When the other thread last woke, when it last began to wait, and what its last signal took. */
static volatile word entered, left, signal_back;

static _Noreturn void wait_always(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    for (;;) {
        struct answer wait = system_call(PITH_SYS_WAIT, there, 0, 0);
        left = wait.stamps.before;
        entered = wait.stamps.after;
    }
}

/* A signal wakes a thread of higher priority, which waits again and so gives the processor back. */
static void measure_wake(void)
{
    struct row signals = {0}, waits = {0};
    word returned = 0;
    if (!wanted("wake"))
        return;
    there = new_object(PITH_NOTIFICATION, 0);
    start_thread(new_address_space(), HIGHER, false, wait_always);
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        sample_begins();
        struct answer signal = system_call(PITH_SYS_SEND, there, 0, 0);
        sample_ends();
        if (i)
            add_sample(&waits, between(left, returned));
        add_sample(&signals, between(signal.stamps.before, entered));
        returned = signal.stamps.after;
    }
    end_threads();
    report("wake.signal", &signals);
    report("wake.wait", &waits);
    report_loop("wake.loop");
}

/* The same for a thread whose time ends before the deadline that is set: the timer has to be set. Before each sample
 * the last such deadline is let pass, for a kernel may leave one set that comes too soon. */
static void measure_deadline(void)
{
    enum { SHORT_BUDGET = 1000, LONGER_THAN_THAT = 1000000 };
    struct row signals = {0};
    if (!asked_for("deadline"))
        return;
    there = new_object(PITH_NOTIFICATION, 0);
    start_thread(new_address_space(), HIGHER, false, wait_always);
    set_budget_of_newest(SHORT_BUDGET);
    for (word i = 0; i < WARM_UPS + SAMPLES; i++) {
        for (word turn = 0; turn < LONGER_THAN_THAT; turn++)
            __asm__ volatile("nop");
        sample_begins();
        struct answer signal = system_call(PITH_SYS_SEND, there, 0, 0);
        sample_ends();
        add_sample(&signals, between(signal.stamps.before, entered));
    }
    end_threads();
    report("deadline", &signals);
}

static _Noreturn void answer_signals(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    for (;;) {
        struct answer wait = system_call(PITH_SYS_WAIT, there, 0, 0);
        left = wait.stamps.before;
        entered = wait.stamps.after;
        signal_back = duration(system_call(PITH_SYS_SEND, back, 0, 0).stamps);
    }
}

/* Two threads of equal priority: each signals the other, then waits. Two signals, and two waits that switch. */
static void measure_ping_pong(void)
{
    struct row round_trips = {0};
    word so_far = 0, returned = 0;
    if (!wanted("ping-pong"))
        return;
    there = new_object(PITH_NOTIFICATION, 0);
    back = new_object(PITH_NOTIFICATION, 0);
    start_thread(new_address_space(), MIDDLE, false, answer_signals);
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        sample_begins();
        struct answer signal = system_call(PITH_SYS_SEND, there, 0, 0);
        struct answer wait = system_call(PITH_SYS_WAIT, back, 0, 0);
        sample_ends();
        if (i)
            add_sample(&round_trips, so_far + between(left, returned));
        so_far = duration(signal.stamps) + between(wait.stamps.before, entered) + signal_back;
        returned = wait.stamps.after;
    }
    end_threads();
    report("ping-pong", &round_trips);
    report_loop("ping-pong.loop");
}

void measure_notifications(void)
{
    measure_wake();
    measure_deadline();
    measure_ping_pong();
}
