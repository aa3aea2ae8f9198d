/* The board's real-time clock, as a device that interrupts: its registers, and its alarm. An alarm in the past rings at
 * once. */

#pragma once

#include "stamps.h"

enum { TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, INTERRUPT_ENABLED, CLEAR_INTERRUPT = 7 }; /* words of 32 bits */

extern volatile unsigned *clock;

/* The notification that an alarm signals, and the capability to acknowledge it by. */
extern word clock_notification, clock_handler;

/* Map the clock, unless that was done before, for the initial thread's address space, and let it interrupt. */
void open_clock(void);

/* Ring so many nanoseconds from now. Returns what the counter of instructions will be then, if the clock counts those. */
static inline word set_alarm_in(word nanoseconds)
{
    word now, low;
    __asm__ volatile("rdinstret %0\n\tlwu %1, (%2)" : "=&r"(now), "=&r"(low) : "r"(&clock[TIME_LOW]) : "memory");
    word alarm = ((word)clock[TIME_HIGH] << 32 | low) + nanoseconds;
    clock[ALARM_HIGH] = (unsigned)(alarm >> 32);
    clock[ALARM_LOW] = (unsigned)alarm;
    return now + nanoseconds;
}

static inline void clear_alarm(void) { clock[CLEAR_INTERRUPT] = 1; }
