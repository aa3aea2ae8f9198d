/* Samples of a row, and the scenarios that take them.
 *
 * A scenario sets threads and objects up and measures one or more rows. It warms up first, then takes SAMPLES
 * samples, each between `sample_begins` and `sample_ends`, which a trace looks for; a round holds one or two.
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

/* Whether the harness asked for this scenario by its name, or else for all rows of the table. */
bool asked_for(const char *scenario);
bool wanted(const char *scenario);

/* A line for the harness. */
void report(const char *row_name, const struct row *row);

/* The same for the whole loop: from the beginning of each round to that of the next, all that any program, the kernel and the
 * firmware execute. For a scenario that makes one round more than it reports. */
void report_loop(const char *row_name);

/* A place on a curve, where something grows with x. Fewer samples, for some take long; the warm-ups come first. */
enum { POINT_WARM_UPS = 1, POINT_SAMPLES = 4 };

void report_point(const char *curve, word x, const word samples[POINT_SAMPLES]);

/* The same for what is a single number by itself, such as the greatest of many. */
void report_value(const char *curve, word x, word value);

void measure_calibration(void);
void measure_calls(void);
void measure_singles(void);
void measure_notifications(void);
void measure_faults(void);
void measure_interrupts(void);
void measure_floats(void);
void measure_objects(void);
void measure_data(void);
void measure_services(void);
void measure_crowds(void);
void measure_depths(void);
void measure_revocations(void);
void measure_delays(void);
