/* Makes every benchmark call that a kernel which tracks utilisation has, and prints what it learns. */
#include <pith.h>

static const char *const names[] = {
    "cycles", "switches", "kernel cycles", "kernel entries", "idle cycles", "idle thread cycles",
    "idle switches", "idle kernel cycles", "idle kernel entries", "total cycles", "total switches",
    "total kernel cycles", "total kernel entries",
};

static void print_utilisation(void)
{
    pith_benchmark_get_thread_utilisation(PITH_ROOT_TCB);
    pith_word told[13]; /* printing uses no buffer, but who knows */
    for (int i = 0; i < 13; i++)
        told[i] = pith_ipc_buffer->words[i];
    for (int i = 0; i < 13; i++) {
        pith_print(names[i]);
        pith_print(" ");
        pith_print_number(told[i]);
        pith_print("\n");
    }
}

void pith_main(const struct pith_bootinfo *info)
{
    (void)info;
    pith_debug_name_thread(PITH_ROOT_TCB, "first");
    pith_print("log buffer ");
    pith_print_number(pith_benchmark_set_log_buffer(PITH_ROOT_TCB));
    pith_print("\nreset ");
    pith_print_number(pith_benchmark_reset_log());
    pith_print("\n");
    pith_benchmark_reset_log();
    for (int i = 0; i < 10; i++)
        pith_benchmark_null_syscall();
    pith_benchmark_flush_caches();
    pith_print("records ");
    pith_print_number(pith_benchmark_finalize_log());
    pith_print("\n");
    print_utilisation();
    pith_benchmark_dump_all_threads_utilisation();
    pith_benchmark_reset_thread_utilisation(PITH_ROOT_TCB);
    pith_benchmark_dump_all_threads_utilisation();
    pith_benchmark_reset_log();
    pith_benchmark_null_syscall();
    pith_benchmark_finalize_log();
    pith_benchmark_reset_all_threads_utilisation();
    pith_benchmark_dump_all_threads_utilisation();
    pith_debug_halt();
}
