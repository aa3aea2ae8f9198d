/* An interrupt, from the store that makes the device raise it to the thread that handles it, and back. */

#include "clock.h"
#include "resources.h"
#include "samples.h"

/* When the handler last woke, when it last began to wait, and what its last acknowledgement took. */
static volatile word entered, left, acknowledgement;

/* It runs in the initial thread's address space, for it must reach the device. */
static _Noreturn void handle_interrupts(struct pith_ipc_buffer *buffer)
{
    const struct invocation acknowledge = {.target = clock_handler, .label = PITH_IRQ_ACK_IRQ};
    for (;;) {
        struct answer wait = system_call(PITH_SYS_WAIT, clock_notification, 0, 0);
        left = wait.stamps.before;
        entered = wait.stamps.after;
        clear_alarm();
        acknowledgement = duration(invoke(buffer, &acknowledge).stamps);
    }
}

/* The store after which the device interrupts, between two stamps. */
static struct stamps ring(void)
{
    struct stamps stamps;
    __asm__ volatile("rdinstret %0\n\tsw zero, (%2)\n\trdinstret %1"
                     : "=&r"(stamps.before), "=&r"(stamps.after)
                     : "r"(&clock[ALARM_LOW])
                     : "memory");
    return stamps;
}

void measure_interrupts(void)
{
    struct row to_handler = {0}, acknowledge = {0}, there_and_back = {0};
    word returned = 0;
    if (!wanted("interrupt"))
        return;
    open_clock();
    start_thread(PITH_ROOT_VSPACE, HIGHER, false, handle_interrupts);
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        sample_begins();
        struct stamps stamps = ring();
        sample_ends();
        if (i)
            add_sample(&there_and_back, to_handler.samples[i - 1] + between(left, returned));
        add_sample(&to_handler, between(stamps.before, entered));
        add_sample(&acknowledge, acknowledgement);
        returned = stamps.after;
    }
    end_threads();
    report("interrupt.to-handler", &to_handler);
    report("interrupt.acknowledge", &acknowledge);
    report("interrupt.there-and-back", &there_and_back);
    report_loop("interrupt.loop");
}
