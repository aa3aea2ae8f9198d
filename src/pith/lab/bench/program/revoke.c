/* What a revocation costs by the number of capabilities that it deletes, and how long it keeps interrupts waiting.
 */

#include "console.h"
#include "flood.h"
#include "resources.h"
#include "samples.h"

enum { MOST_DESCENDANTS = 10000, HOME_BITS = 14, COPIES_IN_ALL = 20000, MOST_ROUNDS = 200, SHIFT = 7 };
enum { HANDLERS_OWN = 2000, USER_TURNS = 200000 };

static word endpoint, home;

static void make_descendants(word count)
{
    for (word i = 0; i < count; i++) {
        struct pith_place place = {home, i, HOME_BITS};
        check("copy a capability", pith_cnode_copy(place, pith_own(endpoint), PITH_ALL_RIGHTS));
    }
}

static word revoke(void)
{
    struct invocation invocation = {PITH_ROOT_CNODE, PITH_CNODE_REVOKE, 0, 0, 2, {endpoint, 64}};
    struct answer answer = invoke(pith_ipc_buffer, &invocation);
    check("revoke", error_of(answer));
    return duration(answer.stamps);
}

static void measure_cost(word count)
{
    word samples[POINT_SAMPLES];
    for (word i = 0; i < POINT_SAMPLES; i++) {
        make_descendants(count);
        samples[i] = revoke();
    }
    report_point("revoke.cost", count, samples);
}

/* A kernel may look for interrupts every so many deletions, and count these on from call to call; a few more before each
 * round shift where its count stands. */
static void measure_delay(word count)
{
    word rounds = COPIES_IN_ALL / count < MOST_ROUNDS ? COPIES_IN_ALL / count : MOST_ROUNDS;
    word most = 0;
    for (word i = 0; i < rounds; i++) {
        make_descendants(SHIFT);
        revoke();
        make_descendants(count);
        begin_flood(SHORTEST_GAP);
        revoke();
        word found = end_flood();
        most = found > most ? found : most;
    }
    if (!most)
        fail("no interrupt came while so many copies were revoked", count);
    report_value("revoke.delay", count, most);
}

/* The same flood while a program runs that never enters the kernel, and while the handler's own calls are over: what the
 * way to the handler takes by itself. */
static void measure_delay_of_user_code(word count)
{
    begin_flood(HANDLERS_OWN);
    for (word i = 0; i < USER_TURNS; i++)
        __asm__ volatile("nop");
    report_value("revoke.user", count, end_flood());
}

void measure_revocations(void)
{
    if (!asked_for("revoke"))
        return;
    endpoint = new_object(PITH_ENDPOINT, 0);
    home = retype(take_untyped(HOME_BITS + 5), PITH_CNODE, HOME_BITS);
    start_flood_handler();
    for (word count = 1; count <= MOST_DESCENDANTS; count *= 10) {
        measure_cost(count);
        measure_delay(count);
        measure_delay_of_user_code(count);
    }
    end_threads();
}
