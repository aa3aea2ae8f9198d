/* Three threads of one priority, each with state in the processor that a switch must keep from the others.
 *
 * Every test prints a line `name: N wrong`. Switches are by Yield, by a call and its answer, and by the end of a budget.
 */
#include <pith.h>

enum { THREADS = 3, PRIORITY = 100, STACK_BYTES = 4096, SLICE = 5000 };

typedef pith_word word;
typedef void thread_function(void);

static word pool, sched_control, next_slot;
static unsigned char stacks[THREADS][STACK_BYTES] __attribute__((aligned(16)));
static word tcbs[THREADS];
static volatile word finished, wrong;

void _start(void);

static void check(const char *what, word error)
{
    if (!error)
        return;
    pith_print("failed: ");
    pith_print(what);
    pith_debug_halt();
}

static word new_object(word type, word size_bits)
{
    word slot = next_slot++;
    check("retype", pith_untyped_retype(pool, type, size_bits, PITH_ROOT_CNODE, 0, 0, slot, 1));
    return slot;
}

static void find_memory(const struct pith_bootinfo *info)
{
    for (word i = 0; i < info->untyped.end - info->untyped.start; i++)
        if (!info->untyped_list[i].is_device && info->untyped_list[i].size_bits >= 20)
            pool = info->untyped.start + i;
}

__attribute__((naked)) static void begin_thread(void)
{
    __asm__ volatile(".option push\n\t.option norelax\n\tla gp, __global_pointer$\n\t.option pop\n\tjr s0");
}

/* Fresh threads, which run these functions until each has finished; a budget in microseconds. */
static void run(const char *name, thread_function *const functions[THREADS], word budget)
{
    finished = wrong = 0;
    for (word i = 0; i < THREADS; i++) {
        word context = new_object(PITH_SCHED_CONTEXT, 8);
        tcbs[i] = new_object(PITH_TCB, 0);
        check("budget", pith_sched_control_configure(sched_control, context, budget, budget, 0, 0, 0));
        check("configure", pith_tcb_configure(tcbs[i], PITH_ROOT_CNODE, 0, PITH_ROOT_VSPACE, 0, 0));
        check("parameters", pith_tcb_set_sched_params(tcbs[i], PITH_ROOT_TCB, 0, PRIORITY, context, 0));
    }
    for (word i = 0; i < THREADS; i++) {
        struct pith_user_context start = {0};
        start.pc = (word)begin_thread;
        start.sp = (word)stacks[i] + STACK_BYTES;
        start.s0 = (word)functions[i];
        check("start", pith_tcb_write_registers(tcbs[i], true, &start));
    }
    check("step back", pith_tcb_set_priority(PITH_ROOT_TCB, PITH_ROOT_TCB, PRIORITY));
    while (finished < THREADS)
        pith_yield();
    check("step forward", pith_tcb_set_priority(PITH_ROOT_TCB, PITH_ROOT_TCB, PRIORITY + 1));
    for (word i = 0; i < THREADS; i++)
        check("end", pith_cnode_delete(pith_own(tcbs[i])));
    pith_print(name);
    pith_print(": ");
    pith_print_number(wrong);
    pith_print(" wrong\n");
}

static _Noreturn void finish(word errors)
{
    wrong += errors;
    finished++;
    for (;;)
        pith_yield();
}

/* Reservations ------------------------------------------------------------------------------------------------
 *
 * The emulators' sc compares values, so each test makes the word what the reservation saw. */

static volatile word shared __attribute__((aligned(64)));
static word endpoint, reply;

/* lr, a system call, and sc of the next number; whether it stored. */
static word increment_across(long number, word cap, word reply_cap)
{
    register word a0 __asm__("a0") = cap;
    register word a1 __asm__("a1") = 0;
    register word a6 __asm__("a6") = reply_cap;
    register long a7 __asm__("a7") = number;
    word value, failed;
    __asm__ volatile("lr.d %0, (%[shared])\n\tecall\n\taddi %0, %0, 1\n\tsc.d %1, %0, (%[shared])"
                     : "=&r"(value), "=&r"(failed), "+r"(a0), "+r"(a1)
                     : [shared] "r"(&shared), "r"(a6), "r"(a7)
                     : "a2", "a3", "a4", "a5", "memory");
    return !failed;
}

static void increment(void)
{
    word value, failed;
    do
        __asm__ volatile("lr.d %0, (%2)\n\taddi %0, %0, 1\n\tsc.d %1, %0, (%2)"
                         : "=&r"(value), "=&r"(failed)
                         : "r"(&shared)
                         : "memory");
    while (failed);
}

static void reserve(void)
{
    word value;
    __asm__ volatile("lr.d %0, (%1)" : "=r"(value) : "r"(&shared) : "memory");
}

/* The next thread has stored, and has a reservation of what it stored. */
static void yield_after_reserving(void) { finish(increment_across(PITH_SYS_YIELD, 0, 0)); }
static void store_and_reserve(void)
{
    increment();
    reserve();
    pith_yield();
    finish(0);
}
static void only_yield(void) { finish(0); }

static void call_after_reserving(void) { finish(increment_across(PITH_SYS_CALL, endpoint, 0)); }
static void answer_a_call(void)
{
    pith_recv(endpoint, reply);
    increment();
    reserve();
    finished++;
    pith_reply_recv(endpoint, reply, 0, PITH_NO_WORDS);
}

enum { INCREMENTS = 400, BETWEEN = 900 };

/* Between lr and sc a thread's budget ends, more often than not. */
static void increment_slowly(void)
{
    for (word i = 0; i < INCREMENTS; i++) {
        word value, failed, turns;
        do {
            turns = BETWEEN + i * 37 % 91;
            __asm__ volatile("lr.d %0, (%3)\n1: addi %2, %2, -1\n\tbnez %2, 1b\n\taddi %0, %0, 1\n\tsc.d %1, %0, (%3)"
                             : "=&r"(value), "=&r"(failed), "+r"(turns)
                             : "r"(&shared)
                             : "memory");
        } while (failed);
    }
    finish(0);
}

static void reservations(void)
{
    thread_function *const by_yield[THREADS] = {yield_after_reserving, store_and_reserve, only_yield};
    run("reservation, by Yield", by_yield, SLICE);
    endpoint = new_object(PITH_ENDPOINT, 0);
    reply = new_object(PITH_REPLY, 0);
    thread_function *const by_call[THREADS] = {answer_a_call, call_after_reserving, only_yield};
    run("reservation, by Call", by_call, SLICE);
    thread_function *const by_time[THREADS] = {increment_slowly, increment_slowly, increment_slowly};
    shared = 0;
    run("reservation, by the end of a budget", by_time, 53);
    pith_print("increments lost: ");
    pith_print_number(THREADS * INCREMENTS - shared);
    pith_print("\n");
}

/* Registers -----------------------------------------------------------------------------------------------------
 *
 * hold(seed, turns) puts the seed into gp, tp, and with what tells them apart into f0..f31 and fcsr; then it yields, or
 * counts down; then looks whether all is as it was. Returns 0 if so. */

word hold(word seed, word turns);
word first_use(void);

__asm__(".option push\n.option arch, +d\n"
        "hold:\n\tmv t1, gp\n\tmv t2, tp\n\tmv gp, a0\n\tmv tp, a0\n"
        "\t.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "\taddi t0, a0, \\n\n\tfmv.d.x f\\n, t0\n\t.endr\n"
        "\tandi t3, a0, 127\n\tfscsr t3\n"
        "\tbnez a1, 1f\n\tli a7, -11\n\tecall\n\tj 2f\n"
        "1:\taddi a1, a1, -1\n\tbnez a1, 1b\n"
        "2:\txor a2, gp, a0\n\txor t0, tp, a0\n\tor a2, a2, t0\n\tmv gp, t1\n\tmv tp, t2\n"
        "\t.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "\taddi t0, a0, \\n\n\tfmv.x.d t4, f\\n\n\txor t0, t0, t4\n\tor a2, a2, t0\n\t.endr\n"
        "\tfrcsr t0\n\txor t0, t0, t3\n\tor a0, a2, t0\n\tret\n"
        "first_use:\n\tfrcsr a0\n"
        "\t.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "\tfmv.x.d t0, f\\n\n\tor a0, a0, t0\n\t.endr\n"
        "\tret\n.option pop\n");

enum { ROUNDS = 20, TURNS = 2000 };

static word hold_often(word seed, word turns)
{
    word errors = 0;
    for (word i = 0; i < ROUNDS; i++)
        errors += hold((seed + i) << 3 & ~0x60ul, turns) != 0;
    return errors;
}

static void hold_11(void) { finish(hold_often(0x11111, 0)); }
static void hold_22(void) { finish(hold_often(0x22222, 0)); }
static void hold_33(void) { finish(hold_often(0x33333, 0)); }
static void keep_11(void) { finish(hold_often(0x11111, TURNS)); }
static void keep_22(void) { finish(hold_often(0x22222, TURNS)); }
static void keep_33(void) { finish(hold_often(0x33333, TURNS)); }

/* A thread's first look at floating point shows nothing of the others', at whatever time it comes. */
static void look_late(void)
{
    for (word i = 0; i < ROUNDS / 2; i++)
        pith_yield();
    finish(first_use() != 0);
}

/* Of three that use floating point one stops for longer than any kernel would believe, and its registers are still there. */
static void pause(void)
{
    word errors = 0;
    for (word i = 0; i < 3; i++) {
        __asm__ volatile("fmv.d.x f9, %0\n\tfscsr %1" ::"r"(i + 5), "r"(i + 1));
        for (word turn = 0; turn < 30; turn++)
            pith_yield();
        word kept, status;
        __asm__ volatile("fmv.x.d %0, f9\n\tfrcsr %1" : "=r"(kept), "=r"(status));
        errors += kept != i + 5 || status != i + 1;
    }
    finish(errors);
}

/* Flags that an instruction raises whose result is no floating-point register. */
static void raise_flags(void)
{
    word errors = 0;
    for (word i = 0; i < 3 * ROUNDS; i++) {
        word status, whole;
        if (i % 4 == 0)
            __asm__ volatile("fscsr zero\n\tfmv.d.x f9, %0" ::"r"(0x3ff8000000000000)); /* 1.5 */
        pith_yield();
        __asm__ volatile("fcvt.l.d %0, f9" : "=r"(whole)); /* inexact: flag 1 */
        pith_yield();
        __asm__ volatile("frcsr %0" : "=r"(status));
        errors += status != 1 || whole != 2;
    }
    finish(errors);
}

static void registers(void)
{
    thread_function *const by_yield[THREADS] = {hold_11, hold_22, hold_33};
    run("registers, by Yield", by_yield, SLICE);
    thread_function *const by_time[THREADS] = {keep_11, keep_22, keep_33};
    run("registers, by the end of a budget", by_time, 53);
    thread_function *const first[THREADS] = {hold_11, hold_22, look_late};
    run("registers at first use", first, SLICE);
    thread_function *const pauses[THREADS] = {hold_11, pause, hold_33};
    run("registers of one who pauses", pauses, SLICE);
    thread_function *const flags[THREADS] = {hold_11, raise_flags, hold_33};
    run("flags without a result", flags, SLICE);
}

/* Counters ----------------------------------------------------------------------------------------------------- */

static volatile word last[3];

static word look_at_counters(void)
{
    word now[3], errors = 0;
    __asm__ volatile("rdcycle %0\n\trdtime %1\n\trdinstret %2" : "=r"(now[0]), "=r"(now[1]), "=r"(now[2]));
    for (word i = 0; i < 3; i++) {
        errors += now[i] < last[i];
        last[i] = now[i];
    }
    return errors;
}

static void watch_counters(void)
{
    word errors = 0;
    for (word i = 0; i < ROUNDS; i++) {
        errors += look_at_counters();
        pith_yield();
    }
    finish(errors);
}

void pith_main(const struct pith_bootinfo *info)
{
    sched_control = info->sched_control.start;
    next_slot = info->empty.start;
    find_memory(info);
    check("step forward", pith_tcb_set_priority(PITH_ROOT_TCB, PITH_ROOT_TCB, PRIORITY + 1));
    reservations();
    registers();
    thread_function *const counters[THREADS] = {watch_counters, watch_counters, watch_counters};
    run("counters", counters, SLICE);
    pith_debug_halt();
}
