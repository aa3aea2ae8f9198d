/* System calls that meet nobody: into the kernel and back to the same thread.
 *
 * Nobody takes the signals away: all but the first find the notification active. */

#include "resources.h"
#include "samples.h"

static void measure(const char *scenario, long number, word cap, word reply)
{
    struct row row = {0};
    if (!wanted(scenario))
        return;
    for (word i = 0; i < WARM_UPS + SAMPLES; i++) {
        sample_begins();
        struct answer answer = system_call(number, cap, 0, reply);
        sample_ends();
        add_sample(&row, duration(answer.stamps));
    }
    report(scenario, &row);
}

void measure_singles(void)
{
    word endpoint = new_object(PITH_ENDPOINT, 0), reply = new_object(PITH_REPLY, 0);
    measure("null-send", PITH_SYS_NB_SEND, 0, 0);
    measure("nb-send", PITH_SYS_NB_SEND, endpoint, 0);
    measure("nb-receive", PITH_SYS_NB_RECV, endpoint, reply);
    measure("poll", PITH_SYS_NB_WAIT, new_object(PITH_NOTIFICATION, 0), 0);
    measure("signal", PITH_SYS_SEND, new_object(PITH_NOTIFICATION, 0), 0);
    measure("yield", PITH_SYS_YIELD, 0, 0);
}
