/* Floating point on one side of a switch, on both, and no more: whole loops, for what it costs a kernel to keep two threads'
 * registers apart falls where no stamp stands, such as at the first such instruction after a switch. */

#include "clock.h"
#include "resources.h"
#include "samples.h"

enum { ALWAYS = -1 };

/* Who uses floating point: the server for so many rounds. */
struct floats {
    const char *scenario, *loop;
    word length;
    bool passive, client;
    int server;
};

static word endpoint, reply, length;
static int rounds_of_server;

/* One instruction that changes a floating-point register. */
static inline void use_float(void) { __asm__ volatile("fadd.d ft0, ft0, ft1" ::: "ft0"); }

static _Noreturn void serve(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    int left = rounds_of_server;
    system_call(PITH_SYS_RECV, endpoint, 0, reply);
    for (;;) {
        if (left) {
            use_float();
            left--;
        }
        system_call(PITH_SYS_REPLY_RECV, endpoint, length, reply);
    }
}

static void measure(const struct floats *floats)
{
    if (!wanted(floats->scenario))
        return;
    endpoint = new_object(PITH_ENDPOINT, 0);
    reply = new_object(PITH_REPLY, 0);
    length = floats->length;
    rounds_of_server = floats->server;
    start_thread(new_address_space(), HIGHER, floats->passive, serve);
    bool client = floats->client;
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        sample_begins();
        if (client)
            use_float();
        system_call(PITH_SYS_CALL, endpoint, length, 0);
        sample_ends();
    }
    end_threads();
    report_loop(floats->loop);
}

/* The initial thread computes, an interrupt comes, and its handler computes, too. */
static _Noreturn void handle_interrupts(struct pith_ipc_buffer *buffer)
{
    const struct invocation acknowledge = {.target = clock_handler, .label = PITH_IRQ_ACK_IRQ};
    for (;;) {
        system_call(PITH_SYS_WAIT, clock_notification, 0, 0);
        use_float();
        clear_alarm();
        invoke(buffer, &acknowledge);
    }
}

static void measure_preemption(void)
{
    if (!wanted("float-preemption"))
        return;
    open_clock();
    start_thread(PITH_ROOT_VSPACE, HIGHER, false, handle_interrupts);
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        sample_begins();
        use_float();
        clock[ALARM_LOW] = 0; /* rings at once */
        use_float();
        sample_ends();
    }
    end_threads();
    report_loop("float-preemption.loop");
}

#define FLOATS(name, length, passive, client, server) {name, name ".loop", length, passive, client, server}

void measure_floats(void)
{
    static const struct floats all[] = {
        FLOATS("float-none", 0, true, false, 0),
        FLOATS("float-client", 0, true, true, 0),
        FLOATS("float-both", 0, true, true, ALWAYS),
        FLOATS("float-both-10", 10, true, true, ALWAYS),
        FLOATS("float-both-active", 0, false, true, ALWAYS),
        FLOATS("float-stops", 0, true, true, WARM_UPS),
    };
    if (float_denied)
        return;
    for (word i = 0; i < sizeof all / sizeof all[0]; i++)
        measure(&all[i]);
    measure_preemption();
}
