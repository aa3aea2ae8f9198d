/* A flood of interrupts, and how long the longest of them waited.
 *
 * The board's clock interrupts all the time: its handler, above all other threads, sets the next alarm and notes how late it
 * was itself. The clock must count instructions as everything else does (`-rtc clock=vm`); then the delay is exact, from the
 * instant of the alarm to the handler's first instruction. The gaps between alarms differ, so that alarms fall into every
 * part of the kernel's work. */

#pragma once

#include "stamps.h"

enum { SHORTEST_GAP = 100 };

/* Open the clock, and start its handler; `end_threads` stops it. */
void start_flood_handler(void);

void begin_flood(word shortest_gap);

/* The longest delay. The last alarm is waited for, so that none comes when it is not expected. */
word end_flood(void);
