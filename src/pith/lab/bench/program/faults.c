/* A page fault, from the load that has no page to the same load with one.
 *
 * Three threads: the initial one starts each sample and takes the page away again; one that faults, above it; and the
 * pager, above both and in an address space of its own, which maps the page and replies. */

#include "console.h"
#include "resources.h"
#include "samples.h"

struct faults { const char *scenario, *to_handler, *map, *resumption, *whole, *loop; bool passive; };

static word endpoint, reply, page, start;

/* When the pager last got a fault, when it left with the answer to the one before, and what its last mapping took. */
static volatile word entered, left, mapping;
static struct stamps load;

static _Noreturn void serve_faults(struct pith_ipc_buffer *buffer)
{
    struct invocation map = {
        page, PITH_PAGE_MAP, 1, PITH_ROOT_VSPACE, 3, {EXPERIMENT_ADDRESS, PITH_READ_WRITE, PITH_NOT_EXECUTABLE}};
    struct answer fault = system_call(PITH_SYS_RECV, endpoint, 0, reply);
    for (;;) {
        entered = fault.stamps.after;
        mapping = duration(invoke(buffer, &map).stamps);
        fault = system_call(PITH_SYS_REPLY_RECV, endpoint, 0, reply);
        left = fault.stamps.before;
    }
}

/* Each time it is told to, it loads from the experiment's page, between two stamps. */
static _Noreturn void fault_always(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    for (;;) {
        struct stamps stamps;
        word value;
        system_call(PITH_SYS_WAIT, start, 0, 0);
        __asm__ volatile("rdinstret %0\n\tld %2, (%3)\n\trdinstret %1"
                         : "=&r"(stamps.before), "=&r"(stamps.after), "=&r"(value)
                         : "r"((word)EXPERIMENT_ADDRESS)
                         : "memory");
        load = stamps;
    }
}

static void set_up(bool passive)
{
    endpoint = new_object(PITH_ENDPOINT, 0);
    reply = new_object(PITH_REPLY, 0);
    page = new_object(PITH_PAGE, 0);
    start = new_object(PITH_NOTIFICATION, 0);
    start_thread(new_address_space(), HIGHEST, passive, serve_faults);
    word faulting = start_thread(PITH_ROOT_VSPACE, HIGHER, false, fault_always);
    check("set the fault endpoint", pith_tcb_set_space(faulting, endpoint, PITH_ROOT_CNODE, 0, PITH_ROOT_VSPACE));
}

static void measure(const struct faults *faults)
{
    struct row to_handler = {0}, map = {0}, resumption = {0}, whole = {0};
    word returned = 0;
    if (!wanted(faults->scenario))
        return;
    set_up(faults->passive);
    for (word i = 0; i <= WARM_UPS + SAMPLES; i++) {
        sample_begins();
        pith_signal(start);
        sample_ends();
        check("unmap", pith_page_unmap(page));
        if (i)
            add_sample(&resumption, between(left, returned));
        add_sample(&to_handler, between(load.before, entered));
        add_sample(&map, mapping);
        add_sample(&whole, duration(load));
        returned = load.after;
    }
    end_threads();
    report(faults->to_handler, &to_handler);
    report(faults->map, &map);
    report(faults->resumption, &resumption);
    report(faults->whole, &whole);
    report_loop(faults->loop);
}

#define FAULTS(name, passive) \
    {name, name ".to-handler", name ".map", name ".resumption", name ".whole", name ".loop", passive}

void measure_faults(void)
{
    static const struct faults passive = FAULTS("fault-passive", true), active = FAULTS("fault-active", false);
    measure(&passive);
    measure(&active);
}
