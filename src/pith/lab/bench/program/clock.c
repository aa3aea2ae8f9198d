#include "clock.h"

#include "console.h"
#include "resources.h"

enum { CLOCK = 0x101000, CLOCK_INTERRUPT = 11 };

volatile unsigned *clock;
word clock_notification, clock_handler;

void open_clock(void)
{
    if (clock)
        return;
    clock = map_device(CLOCK);
    clock_notification = new_object(PITH_NOTIFICATION, 0);
    clock_handler = new_slot();
    check("get the interrupt's handler",
          pith_irq_get(PITH_ROOT_IRQ_CONTROL, CLOCK_INTERRUPT, pith_own(clock_handler)));
    check("set the interrupt's notification", pith_irq_set_notification(clock_handler, clock_notification));
    clock[ALARM_HIGH] = 0;
    clock[INTERRUPT_ENABLED] = 1;
}
