/* How the depth of a capability space changes the cost of a look-up.
 *
 * A space of depth d is a chain of d CNodes with two slots each. Every level resolves one bit, and the last one all others
 * besides, by its guard; so any address has 64 bits, as everywhere. A thread with that space signals a notification
 * whose capability is at address 0, at the end of the chain. */

#include "console.h"
#include "resources.h"
#include "samples.h"

enum { MOST_LEVELS = 64, RADIX = 1, ADDRESS_BITS = 64, SUBJECT = 0, START = 1 };

static word subject, start;
static volatile word samples[POINT_SAMPLES];

/* It waits the first time where it was started, and then in the space that it has been given. */
static _Noreturn void signal_always(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    for (word where = start;; where = START) {
        system_call(PITH_SYS_WAIT, where, 0, 0);
        for (word i = 0; i < POINT_SAMPLES; i++)
            samples[i] = duration(system_call(PITH_SYS_SEND, SUBJECT, 0, 0).stamps);
    }
}

static void place(word cnode, word index, word slot)
{
    struct pith_place target = {cnode, index, RADIX};
    check("place a capability", pith_cnode_copy(target, pith_own(slot), PITH_ALL_RIGHTS));
}

/* The capability to the first CNode of a chain. */
static word new_chain(word levels)
{
    word last = new_object(PITH_CNODE, RADIX), guarded = new_slot();
    place(last, SUBJECT, subject);
    place(last, START, start);
    check("mint a guard", pith_cnode_mint(pith_own(guarded), pith_own(last), PITH_ALL_RIGHTS, ADDRESS_BITS - levels));
    for (word next = guarded; --levels; guarded = next) {
        next = new_object(PITH_CNODE, RADIX);
        place(next, 0, guarded);
    }
    return guarded;
}

void measure_depths(void)
{
    if (!asked_for("depth"))
        return;
    subject = new_object(PITH_NOTIFICATION, 0);
    start = new_object(PITH_NOTIFICATION, 0);
    word tcb = start_thread(PITH_ROOT_VSPACE, HIGHER, false, signal_always);
    for (word levels = 1; levels <= MOST_LEVELS; levels *= 2) {
        check("set the space", pith_tcb_set_space(tcb, 0, new_chain(levels), 0, PITH_ROOT_VSPACE));
        pith_signal(start);
        report_point("depth.signal", levels, (const word *)samples);
    }
    end_threads();
}
