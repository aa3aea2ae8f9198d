/* Sequences whose length is known by counting them in this file: does the counter count what we say? */

#include "samples.h"

static word nothing(void)
{
    word before, after;
    __asm__ volatile("rdinstret %0\n\trdinstret %1" : "=&r"(before), "=r"(after));
    return between(before, after);
}

static word one(void)
{
    word before, after;
    __asm__ volatile("rdinstret %0\n\tnop\n\trdinstret %1" : "=&r"(before), "=r"(after));
    return between(before, after);
}

static word hundred(void)
{
    word before, after;
    __asm__ volatile("rdinstret %0\n\t.rept 100\n\tnop\n\t.endr\n\trdinstret %1" : "=&r"(before), "=r"(after));
    return between(before, after);
}

/* One instruction to begin, then a thousand turns of two. */
static word loop(void)
{
    word before, after, turns;
    __asm__ volatile("rdinstret %0\n\tli %2, 1000\n0:\taddi %2, %2, -1\n\tbnez %2, 0b\n\trdinstret %1"
                 : "=&r"(before), "=r"(after), "=&r"(turns));
    return between(before, after);
}

static void measure(const char *row_name, word (*sequence)(void))
{
    struct row row = {0};
    for (word i = 0; i < WARM_UPS + SAMPLES; i++) {
        sample_begins();
        add_sample(&row, sequence());
        sample_ends();
    }
    report(row_name, &row);
}

void measure_calibration(void)
{
    if (!wanted("calibration"))
        return;
    measure("calibration.0", nothing);
    measure("calibration.1", one);
    measure("calibration.100", hundred);
    measure("calibration.2001", loop);
}
