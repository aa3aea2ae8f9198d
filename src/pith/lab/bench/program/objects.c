/* Invocations on capabilities and objects: into the kernel and back to the same thread. */

#include "console.h"
#include "resources.h"
#include "samples.h"

/* Room for all objects of a row, and that all but the first are made where others were made before. */
enum { ROOM_BITS = 17, BADGE = 7, LOW_PRIORITY = 1, MICROSECONDS = 5000 };

static void take_sample(struct row *row, struct invocation invocation)
{
    sample_begins();
    struct answer answer = invoke(pith_ipc_buffer, &invocation);
    sample_ends();
    check("an invocation that is measured", error_of(answer));
    add_sample(row, duration(answer.stamps));
}

static struct invocation deletion(word slot)
{
    return (struct invocation){PITH_ROOT_CNODE, PITH_CNODE_DELETE, 0, 0, 2, {slot, 64}};
}

/* The copy is not the last capability to its endpoint, so deleting it destroys nothing. */
static void measure_copies(
    const char *scenario, const char *making, const char *deleting, const char *loop, word label, word word_count)
{
    struct row made = {0}, deleted = {0};
    if (!wanted(scenario))
        return;
    word endpoint = new_object(PITH_ENDPOINT, 0), copy = new_slot();
    struct invocation make = {PITH_ROOT_CNODE, label, 1, PITH_ROOT_CNODE, word_count,
                              {copy, 64, endpoint, 64, PITH_ALL_RIGHTS, BADGE}};
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        take_sample(&made, make);
        take_sample(&deleted, deletion(copy));
    }
    report(making, &made);
    report(deleting, &deleted);
    report_loop(loop);
}

static void measure_retype(const char *scenario, const char *loop, word type)
{
    struct row row = {0};
    if (!wanted(scenario))
        return;
    word untyped = new_object(PITH_UNTYPED, ROOM_BITS);
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++)
        take_sample(&row, (struct invocation){
            untyped, PITH_UNTYPED_RETYPE, 1, PITH_ROOT_CNODE, 6, {type, 0, 0, 0, new_slot(), 1}});
    report(scenario, &row);
    report_loop(loop);
}

/* An older object of the same type stands beside each that is deleted, as it would in a system: the kernel has to see
 * that the neighbour's capability is to something else. */
static void measure_last_deletion(const char *scenario, const char *loop, word type)
{
    struct row row = {0};
    if (!wanted(scenario))
        return;
    new_object(type, 0);
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++)
        take_sample(&row, deletion(new_object(type, 0)));
    report(scenario, &row);
    report_loop(loop);
}

static void measure_page(void)
{
    struct row mapped = {0}, unmapped = {0};
    if (!wanted("page"))
        return;
    word page = new_object(PITH_PAGE, 0);
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        take_sample(&mapped, (struct invocation){
            page, PITH_PAGE_MAP, 1, PITH_ROOT_VSPACE, 3, {EXPERIMENT_ADDRESS, PITH_READ_WRITE, PITH_NOT_EXECUTABLE}});
        take_sample(&unmapped, (struct invocation){.target = page, .label = PITH_PAGE_UNMAP});
    }
    report("page.map", &mapped);
    report("page.unmap", &unmapped);
    report_loop("page.loop");
}

/* An invocation that may be repeated: it leaves the object as it found it. */
static void measure_repeated(const char *scenario, const char *loop, struct invocation invocation)
{
    struct row row = {0};
    if (!wanted(scenario))
        return;
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++)
        take_sample(&row, invocation);
    report(scenario, &row);
    report_loop(loop);
}

void measure_objects(void)
{
    word tcb = new_object(PITH_TCB, 0);
    measure_copies("copy", "copy.make", "copy.delete", "copy.loop", PITH_CNODE_COPY, 5);
    measure_copies("mint", "mint.make", "mint.delete", "mint.loop", PITH_CNODE_MINT, 6);
    measure_retype("retype-endpoint", "retype-endpoint.loop", PITH_ENDPOINT);
    measure_retype("retype-tcb", "retype-tcb.loop", PITH_TCB);
    measure_retype("retype-page", "retype-page.loop", PITH_PAGE);
    measure_last_deletion("delete-endpoint", "delete-endpoint.loop", PITH_ENDPOINT);
    measure_last_deletion("delete-tcb", "delete-tcb.loop", PITH_TCB);
    measure_page();
    measure_repeated("configure", "configure.loop", (struct invocation){
        sched_control, PITH_SCHED_CONTROL_CONFIGURE_FLAGS, 1, new_context(), 5, {MICROSECONDS, MICROSECONDS}});
    measure_repeated("set-priority", "set-priority.loop", (struct invocation){
        tcb, PITH_TCB_SET_PRIORITY, 1, PITH_ROOT_TCB, 1, {LOW_PRIORITY}});
    measure_repeated("suspend", "suspend.loop", (struct invocation){.target = tcb, .label = PITH_TCB_SUSPEND});
}
