/* Call and reply-receive between two address spaces: the way there, the way back, and their sum. */

#include "resources.h"
#include "samples.h"

/* What a measurement consists of, and the names of its rows. */
struct calls {
    const char *scenario, *there, *back, *round_trip, *loop;
    word length; /* words of the request, and of the answer */
    bool passive;
};

static word endpoint, reply, length;

/* When the server last got a request, and when it left with the answer to the one before. */
static volatile word entered, left;

static _Noreturn void serve(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    system_call(PITH_SYS_RECV, endpoint, 0, reply);
    for (;;) {
        struct answer answer = system_call(PITH_SYS_REPLY_RECV, endpoint, length, reply);
        left = answer.stamps.before;
        entered = answer.stamps.after;
    }
}

static void set_up(const struct calls *calls)
{
    endpoint = new_object(PITH_ENDPOINT, 0);
    reply = new_object(PITH_REPLY, 0);
    length = calls->length;
    start_thread(new_address_space(), HIGHER, calls->passive, serve);
}

/* The server leaves with an answer before it can say when; it says so at the next call. So every sample's way back
 * is known one call later, and one call more is made than samples are wanted. */
static void measure(const struct calls *calls)
{
    struct row there = {0}, back = {0}, round_trip = {0};
    word returned = 0;
    if (!wanted(calls->scenario))
        return;
    set_up(calls);
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        sample_begins();
        struct answer answer = system_call(PITH_SYS_CALL, endpoint, length, 0);
        sample_ends();
        add_sample(&there, between(answer.stamps.before, entered));
        if (i) {
            add_sample(&back, between(left, returned));
            add_sample(&round_trip, there.samples[i - 1] + back.samples[i - 1]);
        }
        returned = answer.stamps.after;
    }
    end_threads();
    report(calls->there, &there);
    report(calls->back, &back);
    report(calls->round_trip, &round_trip);
    report_loop(calls->loop);
}

#define CALLS(name, length, passive) \
    {name, name ".there", name ".back", name ".round-trip", name ".loop", length, passive}

void measure_calls(void)
{
    static const struct calls all[] = {
        CALLS("call-0", 0, true), CALLS("call-4", 4, true), CALLS("call-5", 5, true), CALLS("call-10", 10, true),
        CALLS("call-64", 64, true), CALLS("call-120", 120, true),
        CALLS("active-call-0", 0, false), CALLS("active-call-120", 120, false),
    };
    for (word i = 0; i < sizeof all / sizeof all[0]; i++)
        measure(&all[i]);
}
