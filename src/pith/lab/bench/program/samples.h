/* Samples of a row, and the scenarios that take them.
 *
 * A scenario sets threads and objects up and measures one or more rows. It warms up first, then takes SAMPLES
 * samples, each between `sample_begins` and `sample_ends`, which a trace looks for.
 */

#pragma once

#include "stamps.h"

enum { SAMPLES = 16, WARM_UPS = 4 };

/* The warm-ups come first, and are not reported; nor is what comes after the last. */
struct row {
    word count;
    word samples[WARM_UPS + SAMPLES + 1];
};

static inline void add_sample(struct row *row, word sample) { row->samples[row->count++] = sample; }

void sample_begins(void);
void sample_ends(void);

/* Whether the harness asked for this scenario. */
bool wanted(const char *scenario);

/* A line for the harness. */
void report(const char *row_name, const struct row *row);

void measure_calibration(void);
void measure_calls(void);
void measure_singles(void);
void measure_notifications(void);
void measure_faults(void);
void measure_interrupts(void);
void measure_objects(void);
