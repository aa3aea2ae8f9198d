/* The benchmark: the initial thread of a system that does nothing but be measured.
 *
 * It runs on any kernel with the interface of seL4 16 MCS for riscv64, and prints one line a row,
 *
 *     row NAME SAMPLE SAMPLE ...
 *
 * after a line `bench begins` and before a line `bench ends`. A sample is a number of retired instructions;
 * docs/measuring.md says of each row what exactly it counts.
 */

#include "console.h"
#include "resources.h"
#include "samples.h"

void pith_main(const struct pith_bootinfo *info)
{
    word started = stamp();
    set_up_resources(info);
    open_console();
    print("\nbench begins\n");
    report_value("boot", 0, started);
    check("set the own priority", pith_tcb_set_priority(PITH_ROOT_TCB, PITH_ROOT_TCB, MIDDLE));
    measure_calibration();
    measure_calls();
    measure_singles();
    measure_notifications();
    measure_faults();
    measure_interrupts();
    measure_floats();
    measure_objects();
    measure_data();
    measure_services();
    measure_crowds();
    measure_depths();
    measure_revocations();
    measure_delays();
    print("bench ends\n");
}
