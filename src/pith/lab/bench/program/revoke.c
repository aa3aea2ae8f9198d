/* What a revocation costs by the number of capabilities that it deletes, and how long it keeps interrupts waiting.
 *
 * For the second, the board's clock interrupts all the time: its handler, above all other threads, sets the next alarm and
 * notes how late it was itself. The clock must count instructions as everything else does (`-rtc clock=vm`); then the
 * delay is exact, from the instant of the alarm to the handler's first instruction. The gaps between alarms differ, so
 * that alarms fall into every part of the kernel's work. */

#include "clock.h"
#include "console.h"
#include "resources.h"
#include "samples.h"

enum { MOST_DESCENDANTS = 10000, HOME_BITS = 14, COPIES_IN_ALL = 20000, MOST_ROUNDS = 200, SHIFT = 7 };
enum { SHORTEST_GAP = 100, HANDLERS_OWN = 2000, GAPS = 4001, GAP_STEP = 37, USER_TURNS = 200000 };

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

/* The flood ------------------------------------------------------------------------------------------------ */

static volatile bool is_flooding, is_armed;
static volatile word longest;
static word due, shortest_gap;

static void set_next_alarm(void)
{
    static word gap;
    gap = (gap + GAP_STEP) % GAPS;
    is_armed = true;
    due = set_alarm_in(shortest_gap + gap);
}

static _Noreturn void handle_alarms(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    for (;;) {
        word woken = system_call(PITH_SYS_WAIT, clock_notification, 0, 0).stamps.after;
        if (is_flooding && woken - due > longest)
            longest = woken - due;
        is_armed = false;
        clear_alarm();
        check("acknowledge", pith_irq_ack(clock_handler));
        if (is_flooding)
            set_next_alarm();
    }
}

static void begin_flood(word shortest)
{
    shortest_gap = shortest;
    longest = 0;
    is_flooding = true;
    set_next_alarm();
}

/* The last alarm is waited for, so that none comes when it is not expected. */
static word end_flood(void)
{
    is_flooding = false;
    while (is_armed)
        ;
    return longest;
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
    open_clock();
    start_thread(PITH_ROOT_VSPACE, HIGHEST, false, handle_alarms);
    for (word count = 1; count <= MOST_DESCENDANTS; count *= 10) {
        measure_cost(count);
        measure_delay(count);
        measure_delay_of_user_code(count);
    }
    end_threads();
}
