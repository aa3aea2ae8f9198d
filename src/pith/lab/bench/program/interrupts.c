/* An interrupt, from the store that makes the device raise it to the thread that handles it, and back.
 *
 * The device is the board's real-time clock: an alarm in the past rings at once. */

#include "console.h"
#include "resources.h"
#include "samples.h"

enum { CLOCK = 0x101000, CLOCK_INTERRUPT = 11 };

/* The clock's registers, as indices of 32-bit words. */
enum { ALARM_LOW = 2, ALARM_HIGH = 3, INTERRUPT_ENABLED = 4, CLEAR_INTERRUPT = 7 };

static word notification, handler;
static volatile unsigned *clock;

/* When the handler last woke, when it last began to wait, and what its last acknowledgement took. */
static volatile word entered, left, acknowledgement;

/* It runs in the initial thread's address space, for it must reach the device. */
static _Noreturn void handle_interrupts(struct pith_ipc_buffer *buffer)
{
    const struct invocation acknowledge = {.target = handler, .label = PITH_IRQ_ACK_IRQ};
    for (;;) {
        struct answer wait = system_call(PITH_SYS_WAIT, notification, 0, 0);
        left = wait.stamps.before;
        entered = wait.stamps.after;
        clock[CLEAR_INTERRUPT] = 1;
        acknowledgement = duration(invoke(buffer, &acknowledge).stamps);
    }
}

static void set_up(void)
{
    clock = map_device(CLOCK);
    notification = new_object(PITH_NOTIFICATION, 0);
    handler = new_slot();
    check("get the interrupt's handler", pith_irq_get(PITH_ROOT_IRQ_CONTROL, CLOCK_INTERRUPT, pith_own(handler)));
    check("set the interrupt's notification", pith_irq_set_notification(handler, notification));
    clock[ALARM_HIGH] = 0;
    clock[INTERRUPT_ENABLED] = 1;
    start_thread(PITH_ROOT_VSPACE, HIGHER, false, handle_interrupts);
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
    set_up();
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
}
