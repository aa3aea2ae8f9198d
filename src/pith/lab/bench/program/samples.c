#include "samples.h"

#include "console.h"

/* The harness writes into these before it starts the program: the names of the scenarios to run, each between spaces,
 * or nothing for all; and whether to wait for a key before the first. Volatile, or the compiler would read them now. */
__attribute__((section(".data"))) volatile char selection[256] = "";
__attribute__((section(".data"))) volatile char awaited = 0;

/* Let the harness turn its log on, when all is set up. */
static void wait_if_awaited(void)
{
    if (!awaited)
        return;
    awaited = 0;
    print("bench waits\n");
    await_key();
}

/* When each sample of the scenario began. */
static word begun, beginnings[2 * (WARM_UPS + SAMPLES + 1)];

/* Two places for a trace to see: all that runs between them belongs to one sample. */
__attribute__((noinline)) void sample_begins(void)
{
    wait_if_awaited();
    beginnings[begun++] = stamp();
}
__attribute__((noinline)) void sample_ends(void) { __asm__ volatile("nop"); }

/* The word at `text` is this name. */
static bool is_word(const volatile char *text, const char *name)
{
    while (*name)
        if (*text++ != *name++)
            return false;
    return *text == ' ';
}

bool asked_for(const char *scenario)
{
    for (const volatile char *text = selection; *text; text++)
        if (*text == ' ' && is_word(text + 1, scenario))
            return true;
    return false;
}

bool wanted(const char *scenario)
{
    begun = 0;
    return !selection[0] || asked_for(scenario);
}

void report(const char *row_name, const struct row *row)
{
    print("row ");
    print(row_name);
    for (word i = WARM_UPS; i < WARM_UPS + SAMPLES; i++) {
        print(" ");
        print_number(row->samples[i]);
    }
    print("\n");
}

void report_loop(const char *row_name)
{
    struct row row = {0};
    word each = begun / (WARM_UPS + SAMPLES + 1); /* samples of a round */
    for (word i = 0; i < WARM_UPS + SAMPLES; i++)
        add_sample(&row, beginnings[(i + 1) * each] - beginnings[i * each]);
    report(row_name, &row);
}

static void begin_point(const char *curve, word x)
{
    print("row ");
    print(curve);
    print(".");
    print_number(x);
}

void report_point(const char *curve, word x, const word samples[POINT_SAMPLES])
{
    begin_point(curve, x);
    for (word i = POINT_WARM_UPS; i < POINT_SAMPLES; i++) {
        print(" ");
        print_number(samples[i]);
    }
    print("\n");
}

void report_value(const char *curve, word x, word value)
{
    begin_point(curve, x);
    print(" ");
    print_number(value);
    print("\n");
}
