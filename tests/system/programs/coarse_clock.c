/* Asks for budgets from too short to long, then lets a thread of higher priority run on one of them. */
#include <pith.h>

enum { PRIORITY = 200, OWN_PRIORITY = 100, CONTEXT_BITS = 8, BIG_ENOUGH = 16, CALLS = 40 };

static unsigned char stack[4096] __attribute__((aligned(16)));
static volatile pith_word rounds;

static void other(void)
{
    for (;;)
        rounds++;
}

static void configure(pith_cptr control, pith_cptr context, pith_word budget)
{
    pith_pass_cap(0, context);
    pith_set_word(4, 0);
    struct pith_message answer = pith_trap(
        PITH_SYS_CALL, control, pith_info(PITH_SCHED_CONTROL_CONFIGURE_FLAGS, 1, 5),
        (pith_word[4]){budget, 2 * budget, 0, 0}, 0, 0);
    pith_print_number(budget);
    pith_print(" us: error ");
    pith_print_number(answer.info >> 12);
    if (answer.info >> 12) {
        pith_print(", ");
        pith_print_number(answer.word[0]);
        pith_print(" or more");
    }
    pith_print("\n");
}

void pith_main(const struct pith_bootinfo *info)
{
    pith_word memory = 0;
    while (info->untyped_list[memory].is_device || info->untyped_list[memory].size_bits < BIG_ENOUGH)
        memory++;
    pith_cptr untyped = info->untyped.start + memory, context = info->empty.start, thread = context + 1;
    pith_untyped_retype(untyped, PITH_SCHED_CONTEXT, CONTEXT_BITS, PITH_ROOT_CNODE, 0, 0, context, 1);
    pith_untyped_retype(untyped, PITH_TCB, 0, PITH_ROOT_CNODE, 0, 0, thread, 1);
    const pith_word budgets[] = {20, 61, 62, 1000};
    for (unsigned i = 0; i < 4; i++)
        configure(info->sched_control.start, context, budgets[i]);
    pith_tcb_set_priority(PITH_ROOT_TCB, PITH_ROOT_TCB, OWN_PRIORITY);
    pith_tcb_set_space(thread, 0, PITH_ROOT_CNODE, 0, PITH_ROOT_VSPACE);
    pith_tcb_set_sched_params(thread, PITH_ROOT_TCB, PRIORITY, PRIORITY, context, 0);
    struct pith_user_context start = {0};
    start.pc = (pith_word)other;
    start.sp = (pith_word)(stack + sizeof stack);
    pith_tcb_write_registers(thread, true, &start);
    for (int i = 0; i < CALLS; i++)
        pith_yield();
    pith_print(rounds ? "the other thread ran\n" : "the other thread did not run\n");
    pith_debug_halt();
}
