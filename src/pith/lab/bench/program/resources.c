#include "resources.h"

#include "console.h"

enum { MOST_THREADS = 4, MOST_UNTYPEDS = 400, STACK_BYTES = 8192, BUDGET_MICROSECONDS = 5000, CONTEXT_BITS = 8 };
enum { FLOAT_DENIED = 1 }; /* a thread's feature flag */
enum { PAGE_BITS = 12, PAGE_SIZE = 1 << PAGE_BITS, DEVICE_ADDRESS = EXPERIMENT_ADDRESS + 0x40000 };

/* Enough for a run; a kernel clears it all at the first object, so more would only take longer. */
enum { POOL_BITS = 21 };

/* Whether every thread is to be denied floating point, which some kernels move at every switch unless it is. The harness writes it. */
__attribute__((section(".data"))) volatile char float_denied = 0;

word sched_control;

static word next_slot, last_slot, pool, image_frames, image_frame_count, next_device_address = DEVICE_ADDRESS;

/* Untypeds over devices: the initial ones, and the halves that they were split into. */
static struct device_untyped { word slot, physical_address, size_bits; } devices[MOST_UNTYPEDS];
static word device_count;

/* Initial untypeds over memory that nobody has taken yet. */
static struct memory_untyped { word slot, size_bits; } memories[MOST_UNTYPEDS];
static word memory_count;

static struct thread { word tcb, context; } threads[MOST_THREADS];
static word thread_count;
static unsigned char stacks[MOST_THREADS][STACK_BYTES] __attribute__((aligned(16)));
static unsigned char buffers[MOST_THREADS][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

extern char pith_stack_bottom[]; /* where the image begins, by the linker script */

static word image_start(void) { return (word)pith_stack_bottom; }

static void note_untyped(word slot, const struct pith_untyped_description *untyped)
{
    if (untyped->is_device && device_count < MOST_UNTYPEDS)
        devices[device_count++] = (struct device_untyped){slot, untyped->physical_address, untyped->size_bits};
    else if (!untyped->is_device && memory_count < MOST_UNTYPEDS)
        memories[memory_count++] = (struct memory_untyped){slot, untyped->size_bits};
}

word take_untyped(word size_bits)
{
    struct memory_untyped *best = 0;
    for (word i = 0; i < memory_count; i++)
        if (memories[i].size_bits >= size_bits && (!best || memories[i].size_bits < best->size_bits))
            best = &memories[i];
    if (!best)
        fail("an untyped", PITH_NOT_ENOUGH_MEMORY);
    word slot = best->slot;
    *best = memories[--memory_count];
    return slot;
}

static void deny_float(word tcb)
{
    if (float_denied)
        check("deny floating point", pith_tcb_set_flags(tcb, 0, FLOAT_DENIED));
}

void set_up_resources(const struct pith_bootinfo *info)
{
    deny_float(PITH_ROOT_TCB);
    sched_control = info->sched_control.start;
    next_slot = (info->empty.start + 1) & ~1ul; /* even, so that which slots share a cache line is no chance */
    last_slot = info->empty.end;
    image_frames = info->user_image_frames.start;
    image_frame_count = info->user_image_frames.end - image_frames;
    for (word i = 0; i < info->untyped.end - info->untyped.start; i++)
        note_untyped(info->untyped.start + i, &info->untyped_list[i]);
    pool = take_untyped(POOL_BITS);
    new_object(PITH_ENDPOINT, 0); /* the pool is cleared now, not in a measurement */
}

word new_slot(void)
{
    if (next_slot == last_slot)
        fail("a new slot", PITH_NOT_ENOUGH_MEMORY);
    return next_slot++;
}

word retype(word untyped, word type, word size_bits)
{
    word slot = new_slot();
    check("retype", pith_untyped_retype(untyped, type, size_bits, PITH_ROOT_CNODE, 0, 0, slot, 1));
    return slot;
}

word new_object(word type, word size_bits) { return retype(pool, type, size_bits); }

word new_context(void) { return new_object(PITH_SCHED_CONTEXT, CONTEXT_BITS); }

static struct device_untyped *smallest_device_untyped(word physical_address)
{
    struct device_untyped *best = 0;
    for (word i = 0; i < device_count; i++) {
        struct device_untyped *candidate = &devices[i];
        bool covers = candidate->physical_address >> candidate->size_bits == physical_address >> candidate->size_bits;
        if (covers && (!best || candidate->size_bits < best->size_bits))
            best = candidate;
    }
    return best;
}

/* An untyped hands out its memory from the bottom up only, so the way to a page in its middle is to halve it. */
static word device_frame(word physical_address)
{
    struct device_untyped *untyped = smallest_device_untyped(physical_address);
    if (!untyped)
        fail("the untyped over a device", PITH_FAILED_LOOKUP);
    while (untyped->size_bits > PAGE_BITS) {
        word bits = untyped->size_bits - 1, base = untyped->physical_address, parent = untyped->slot;
        for (word half = 0; half < 2; half++)
            devices[device_count++] = (struct device_untyped){retype(parent, PITH_UNTYPED, bits), base + (half << bits), bits};
        untyped = smallest_device_untyped(physical_address);
    }
    return retype(untyped->slot, PITH_PAGE, 0);
}

volatile void *map_device(word physical_address)
{
    word frame = device_frame(physical_address), address = next_device_address;
    next_device_address += PAGE_SIZE;
    check("map a device", pith_page_map(frame, PITH_ROOT_VSPACE, address, PITH_READ_WRITE, PITH_NOT_EXECUTABLE));
    return (volatile void *)address;
}

static void map_table(word space)
{
    check("map a page table", pith_page_table_map(new_object(PITH_PAGE_TABLE, 0), space, image_start(), 0));
}

word new_address_space(void)
{
    word space = new_object(PITH_PAGE_TABLE, 0);
    check("assign an address space identifier", pith_asid_assign(PITH_ROOT_ASID_POOL, space));
    map_table(space);
    map_table(space);
    for (word i = 0; i < image_frame_count; i++) {
        word copy = new_slot(), address = image_start() + (i << PAGE_BITS);
        check("copy a frame", pith_cnode_copy(pith_own(copy), pith_own(image_frames + i), PITH_ALL_RIGHTS));
        check("map the image", pith_page_map(copy, space, address, PITH_READ_WRITE, PITH_EXECUTABLE));
    }
    return space;
}

/* Where every thread starts: its function in s0, the function's argument in a0 already. */
__attribute__((naked)) static void begin_thread(void)
{
    __asm__ volatile(".option push\n\t.option norelax\n\tla gp, __global_pointer$\n\t.option pop\n\tjr s0");
}

static void run_thread(word tcb, thread_function *function, struct pith_ipc_buffer *buffer, word stack_top)
{
    struct pith_user_context context = {0};
    context.pc = (word)begin_thread;
    context.sp = stack_top;
    context.s0 = (word)function;
    context.a0 = (word)buffer;
    check("write registers", pith_tcb_write_registers(tcb, true, &context));
}

word start_thread(word space, word priority, bool passive, thread_function *function)
{
    word number = thread_count++, buffer = (word)buffers[number], tcb = new_object(PITH_TCB, 0), context = new_context();
    word buffer_frame = image_frames + ((buffer - image_start()) >> PAGE_BITS);
    threads[number] = (struct thread){tcb, context};
    check("configure a thread", pith_tcb_configure(tcb, PITH_ROOT_CNODE, 0, space, buffer, buffer_frame));
    check("configure a scheduling context",
          pith_sched_control_configure(sched_control, context, BUDGET_MICROSECONDS, BUDGET_MICROSECONDS, 0, 0, 0));
    check("set scheduling parameters",
          pith_tcb_set_sched_params(tcb, PITH_ROOT_TCB, priority, priority, context, 0));
    deny_float(tcb);
    run_thread(tcb, function, (struct pith_ipc_buffer *)buffer, (word)stacks[number + 1]);
    if (passive)
        check("make a thread passive", pith_sched_context_unbind(context));
    return tcb;
}

void set_budget_of_newest(word microseconds)
{
    check("configure a scheduling context",
          pith_sched_control_configure(
              sched_control, threads[thread_count - 1].context, microseconds, BUDGET_MICROSECONDS, 0, 0, 0));
}

void end_threads(void)
{
    while (thread_count)
        check("suspend a thread", pith_tcb_suspend(threads[--thread_count].tcb));
}
