/* What the program is made of: capability slots, objects, address spaces, threads.
 *
 * All objects come from one untyped; nothing is given back, for a run is short. Every address space holds the
 * whole image of the program at the same addresses, so that threads in different spaces share functions
 * and variables, and only the kernel sees a difference.
 */

#pragma once

#include "stamps.h"

/* Room for experiments beyond the image, under the page table that maps the image. */
enum { EXPERIMENT_ADDRESS = 0x180000 };

/* The initial thread's priority while it measures, and two above it. */
enum { MIDDLE = 100, HIGHER = 101, HIGHEST = 102 };

extern word sched_control;
extern volatile char float_denied;

void set_up_resources(const struct pith_bootinfo *info);

word new_slot(void);
word new_object(word type, word size_bits);

/* For what the program's own untyped is too small: the smallest other one of at least so many bits, whole; and an
 * object from a given untyped. */
word take_untyped(word size_bits);
word retype(word untyped, word type, word size_bits);
word new_context(void);

/* The first page of a device, in the initial thread's address space. */
volatile void *map_device(word physical_address);

word new_address_space(void);

/* A thread's function gets its IPC buffer, and does not return. */
typedef void thread_function(struct pith_ipc_buffer *buffer);

/* A new thread; it runs at once if its priority is above the caller's. A passive one must be: it loses its
 * scheduling context when it waits for the first time. Returns its TCB. */
word start_thread(word space, word priority, bool passive, thread_function *function);

/* Another budget, in the same period, for the thread that was started last. */
void set_budget_of_newest(word microseconds);

/* Suspend every thread that was started, and use their stacks again. */
void end_threads(void);
