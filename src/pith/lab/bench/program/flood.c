#include "flood.h"

#include "clock.h"
#include "console.h"
#include "resources.h"

enum { GAPS = 4001, GAP_STEP = 37 };

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

void begin_flood(word shortest)
{
    shortest_gap = shortest;
    longest = 0;
    is_flooding = true;
    set_next_alarm();
}

word end_flood(void)
{
    while (!longest)
        ;
    is_flooding = false;
    while (is_armed)
        ;
    return longest;
}

void start_flood_handler(void)
{
    static bool is_open;
    if (!is_open)
        open_clock();
    is_open = true;
    start_thread(PITH_ROOT_VSPACE, HIGHEST, false, handle_alarms);
}
