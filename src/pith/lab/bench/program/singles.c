/* System calls that meet nobody: into the kernel and back to the same thread.
 *
 * Nobody takes the signals away: all but the first find the notification active. */

#include "resources.h"
#include "samples.h"

static void measure(const char *scenario, const char *loop, long number, word cap, word reply)
{
    struct row row = {0};
    if (!wanted(scenario))
        return;
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        sample_begins();
        struct answer answer = system_call(number, cap, 0, reply);
        sample_ends();
        add_sample(&row, duration(answer.stamps));
    }
    report(scenario, &row);
    report_loop(loop);
}

void measure_singles(void)
{
    word endpoint = new_object(PITH_ENDPOINT, 0), reply = new_object(PITH_REPLY, 0);
    measure("null-send", "null-send.loop", PITH_SYS_NB_SEND, 0, 0);
    measure("nb-send", "nb-send.loop", PITH_SYS_NB_SEND, endpoint, 0);
    measure("nb-receive", "nb-receive.loop", PITH_SYS_NB_RECV, endpoint, reply);
    measure("poll", "poll.loop", PITH_SYS_NB_WAIT, new_object(PITH_NOTIFICATION, 0), 0);
    measure("signal", "signal.loop", PITH_SYS_SEND, new_object(PITH_NOTIFICATION, 0), 0);
    measure("yield", "yield.loop", PITH_SYS_YIELD, 0, 0);
}
