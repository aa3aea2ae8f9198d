/* What a user program in C includes: the same interface as the metal-Python runtime, with the same names.
 *
 *     #include <pith.h>
 *
 *     void pith_main(const struct pith_bootinfo *info) { pith_print("hello\n"); }
 *
 * `pith run FILE.c` builds it with start.c and boots it as the initial thread; a component's pith_main gets 0. From
 * the ground up: types, message words and the IPC buffer, the eleven system calls, invocations (one function an
 * operation, in the manual's order), printing. All functions are static inline: what is not used is not there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t pith_word;
typedef uint64_t pith_cptr; /* names a capability: a number that the kernel looks up in our capability space */

/* Numbers: see abi/ for what they are. -------------------------------------------------------------------- */

enum pith_object {
    PITH_UNTYPED, PITH_TCB, PITH_ENDPOINT, PITH_NOTIFICATION, PITH_CNODE, PITH_SCHED_CONTEXT, PITH_REPLY,
    PITH_GIGA_PAGE, PITH_PAGE, PITH_MEGA_PAGE, PITH_PAGE_TABLE
};

enum pith_error {
    PITH_OK, PITH_INVALID_ARGUMENT, PITH_INVALID_CAPABILITY, PITH_ILLEGAL_OPERATION, PITH_RANGE_ERROR,
    PITH_ALIGNMENT_ERROR, PITH_FAILED_LOOKUP, PITH_TRUNCATED_MESSAGE, PITH_DELETE_FIRST, PITH_REVOKE_FIRST,
    PITH_NOT_ENOUGH_MEMORY
};

enum pith_label { /* which operation an invocation asks for */
    PITH_UNTYPED_RETYPE = 1, PITH_TCB_READ_REGISTERS = 2,
    PITH_TCB_WRITE_REGISTERS = 3, PITH_TCB_COPY_REGISTERS = 4, PITH_TCB_CONFIGURE = 5,
    PITH_TCB_SET_PRIORITY = 6, PITH_TCB_SET_MC_PRIORITY = 7,
    PITH_TCB_SET_SCHED_PARAMS = 8, PITH_TCB_SET_TIMEOUT_ENDPOINT = 9,
    PITH_TCB_SET_IPC_BUFFER = 10, PITH_TCB_SET_SPACE = 11, PITH_TCB_SUSPEND = 12,
    PITH_TCB_RESUME = 13, PITH_TCB_BIND_NOTIFICATION = 14,
    PITH_TCB_UNBIND_NOTIFICATION = 15, PITH_TCB_SET_TLS_BASE = 16,
    PITH_TCB_SET_FLAGS = 17, PITH_CNODE_REVOKE = 18, PITH_CNODE_DELETE = 19,
    PITH_CNODE_CANCEL_BADGED_SENDS = 20, PITH_CNODE_COPY = 21, PITH_CNODE_MINT = 22,
    PITH_CNODE_MOVE = 23, PITH_CNODE_MUTATE = 24, PITH_CNODE_ROTATE = 25,
    PITH_IRQ_ISSUE_IRQ_HANDLER = 26, PITH_IRQ_ACK_IRQ = 27, PITH_IRQ_SET_IRQ_HANDLER = 28,
    PITH_IRQ_CLEAR_IRQ_HANDLER = 29, PITH_DOMAIN_SET = 30,
    PITH_DOMAIN_SCHEDULE_CONFIGURE = 31, PITH_DOMAIN_SCHEDULE_SET_START = 32,
    PITH_SCHED_CONTROL_CONFIGURE_FLAGS = 33, PITH_SCHED_CONTEXT_BIND = 34,
    PITH_SCHED_CONTEXT_UNBIND = 35, PITH_SCHED_CONTEXT_UNBIND_OBJECT = 36,
    PITH_SCHED_CONTEXT_CONSUMED = 37, PITH_SCHED_CONTEXT_YIELD_TO = 38,
    PITH_PAGE_TABLE_MAP = 39, PITH_PAGE_TABLE_UNMAP = 40, PITH_PAGE_MAP = 41,
    PITH_PAGE_UNMAP = 42, PITH_PAGE_GET_ADDRESS = 43, PITH_ASID_CONTROL_MAKE_POOL = 44,
    PITH_ASID_POOL_ASSIGN = 45, PITH_IRQ_ISSUE_IRQ_HANDLER_TRIGGER = 46
};

enum pith_root_slot { /* the initial thread's capabilities */
    PITH_ROOT_TCB = 1, PITH_ROOT_CNODE = 2, PITH_ROOT_VSPACE = 3, PITH_ROOT_IRQ_CONTROL = 4,
    PITH_ROOT_ASID_CONTROL = 5, PITH_ROOT_ASID_POOL = 6, PITH_ROOT_BOOTINFO = 9, PITH_ROOT_IPC_BUFFER = 10,
    PITH_ROOT_DOMAIN = 11, PITH_ROOT_SCHED_CONTEXT = 14
};

enum { PITH_SUPERVISOR = 1, PITH_READY = 16, PITH_FINISHED = 17 }; /* a component's slot 1, what it may say */
enum { PITH_CONSOLE_WRITE = 16, PITH_CONSOLE_READ = 17 };

enum { /* rights */
    PITH_WRITE = 1, PITH_READ = 2, PITH_READ_WRITE = 3, PITH_GRANT = 4, PITH_GRANT_REPLY = 8,
    PITH_ALL_RIGHTS = 15
};

enum { PITH_EXECUTABLE = 0, PITH_NOT_EXECUTABLE = 1 };

/* Messages ------------------------------------------------------------------------------------------------ */

struct pith_ipc_buffer {
    pith_word tag;
    pith_word words[120];
    pith_word user_data;
    pith_word caps_or_badges[3];
    pith_word receive_cnode, receive_index, receive_depth;
};

extern struct pith_ipc_buffer *pith_ipc_buffer; /* set by start.c */

struct pith_message { /* what arrived: from whom, the info word, the first four words; others: IPC buffer */
    pith_word badge, info, word[4];
};

static inline pith_word pith_info(pith_word label, pith_word caps, pith_word length)
{
    return label << 12 | caps << 7 | length;
}

static inline pith_word pith_label_of(struct pith_message message) { return message.info >> 12; }
static inline pith_word pith_length_of(struct pith_message message) { return message.info & 127; }

/* System calls -------------------------------------------------------------------------------------------- */

enum {
    PITH_SYS_CALL = -1, PITH_SYS_REPLY_RECV = -2, PITH_SYS_NB_SEND_RECV = -3, PITH_SYS_NB_SEND_WAIT = -4,
    PITH_SYS_SEND = -5, PITH_SYS_NB_SEND = -6, PITH_SYS_RECV = -7, PITH_SYS_NB_RECV = -8, PITH_SYS_WAIT = -9,
    PITH_SYS_NB_WAIT = -10, PITH_SYS_YIELD = -11, PITH_SYS_DEBUG_PUT_CHAR = -12,
    PITH_SYS_DEBUG_DUMP_SCHEDULER = -13, PITH_SYS_DEBUG_HALT = -14, PITH_SYS_DEBUG_CAP_IDENTIFY = -15,
    PITH_SYS_DEBUG_SNAPSHOT = -16, PITH_SYS_DEBUG_NAME_THREAD = -17,
    /* In a release kernel, which has no debug calls, these begin at -12. */
    PITH_SYS_BENCHMARK_FLUSH_CACHES = -18, PITH_SYS_BENCHMARK_RESET_LOG = -19,
    PITH_SYS_BENCHMARK_FINALIZE_LOG = -20, PITH_SYS_BENCHMARK_SET_LOG_BUFFER = -21,
    PITH_SYS_BENCHMARK_NULL_SYSCALL = -22, PITH_SYS_BENCHMARK_GET_THREAD_UTILISATION = -23,
    PITH_SYS_BENCHMARK_RESET_THREAD_UTILISATION = -24, PITH_SYS_BENCHMARK_DUMP_ALL_THREADS_UTILISATION = -25,
    PITH_SYS_BENCHMARK_RESET_ALL_THREADS_UTILISATION = -26
};

static inline struct pith_message pith_trap(
    long number, pith_cptr cap, pith_word info, const pith_word word[4], pith_cptr reply, pith_cptr send_to)
{
    register pith_word a0 __asm__("a0") = cap;
    register pith_word a1 __asm__("a1") = info;
    register pith_word a2 __asm__("a2") = word[0];
    register pith_word a3 __asm__("a3") = word[1];
    register pith_word a4 __asm__("a4") = word[2];
    register pith_word a5 __asm__("a5") = word[3];
    register pith_word a6 __asm__("a6") = reply;
    register long a7 __asm__("a7") = number;
    register pith_word t0 __asm__("t0") = send_to;
    __asm__ volatile("ecall"
                 : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5)
                 : "r"(a6), "r"(a7), "r"(t0)
                 : "memory");
    return (struct pith_message){a0, a1, {a2, a3, a4, a5}};
}

#define PITH_WORDS(a, b, c, d) ((pith_word[4]){(a), (b), (c), (d)})
#define PITH_NO_WORDS PITH_WORDS(0, 0, 0, 0)

static inline void pith_send(pith_cptr to, pith_word info, const pith_word word[4])
{
    pith_trap(PITH_SYS_SEND, to, info, word, 0, 0);
}

static inline void pith_nb_send(pith_cptr to, pith_word info, const pith_word word[4])
{
    pith_trap(PITH_SYS_NB_SEND, to, info, word, 0, 0);
}

static inline struct pith_message pith_call(pith_cptr to, pith_word info, const pith_word word[4])
{
    return pith_trap(PITH_SYS_CALL, to, info, word, 0, 0);
}

static inline struct pith_message pith_recv(pith_cptr source, pith_cptr reply)
{
    return pith_trap(PITH_SYS_RECV, source, 0, PITH_NO_WORDS, reply, 0);
}

static inline struct pith_message pith_nb_recv(pith_cptr source, pith_cptr reply)
{
    return pith_trap(PITH_SYS_NB_RECV, source, 0, PITH_NO_WORDS, reply, 0);
}

static inline struct pith_message pith_reply_recv(
    pith_cptr source, pith_cptr reply, pith_word info, const pith_word word[4])
{
    return pith_trap(PITH_SYS_REPLY_RECV, source, info, word, reply, 0);
}

static inline struct pith_message pith_wait(pith_cptr source)
{
    return pith_trap(PITH_SYS_WAIT, source, 0, PITH_NO_WORDS, 0, 0);
}

static inline struct pith_message pith_nb_wait(pith_cptr source)
{
    return pith_trap(PITH_SYS_NB_WAIT, source, 0, PITH_NO_WORDS, 0, 0);
}

static inline struct pith_message pith_nb_send_recv(
    pith_cptr to, pith_cptr source, pith_cptr reply, pith_word info, const pith_word word[4])
{
    return pith_trap(PITH_SYS_NB_SEND_RECV, source, info, word, reply, to);
}

static inline struct pith_message pith_nb_send_wait(
    pith_cptr to, pith_cptr source, pith_word info, const pith_word word[4])
{
    return pith_trap(PITH_SYS_NB_SEND_WAIT, source, info, word, 0, to);
}

static inline void pith_yield(void) { pith_trap(PITH_SYS_YIELD, 0, 0, PITH_NO_WORDS, 0, 0); }

static inline void pith_signal(pith_cptr notification) { pith_send(notification, 0, PITH_NO_WORDS); }

/* Invocations --------------------------------------------------------------------------------------------- */

/* Each returns a pith_error. Words beyond the four, and capabilities, go through the IPC buffer. */

static inline pith_word pith_invoke(
    pith_cptr target, pith_word label, pith_word length, const pith_word word[4], pith_word caps)
{
    return pith_label_of(pith_call(target, pith_info(label, caps, length), word));
}

static inline void pith_pass_cap(int index, pith_cptr cap) { pith_ipc_buffer->caps_or_badges[index] = cap; }
static inline void pith_set_word(int index, pith_word value) { pith_ipc_buffer->words[index] = value; }

struct pith_place { /* a slot named from outside */
    pith_cptr root;
    pith_word index, depth;
};

static inline struct pith_place pith_own(pith_cptr slot) /* a slot of the initial thread's own CNode */
{
    return (struct pith_place){PITH_ROOT_CNODE, slot, 64};
}

static inline pith_word pith_untyped_retype(
    pith_cptr untyped, enum pith_object type, pith_word size_bits, pith_cptr root, pith_word node_index,
    pith_word node_depth, pith_word node_offset, pith_word count)
{
    pith_pass_cap(0, root);
    pith_set_word(4, node_offset);
    pith_set_word(5, count);
    return pith_invoke(untyped, PITH_UNTYPED_RETYPE, 6,
                       PITH_WORDS(type, size_bits, node_index, node_depth), 1);
}

enum { PITH_CONTEXT_WORDS = 32 };

struct pith_user_context {
    pith_word pc, ra, sp, gp, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
    pith_word a0, a1, a2, a3, a4, a5, a6, a7, t0, t1, t2, t3, t4, t5, t6, tp;
};

static inline pith_word pith_tcb_read_registers(
    pith_cptr thread, bool suspend_source, struct pith_user_context *context)
{
    struct pith_message answer =
        pith_call(thread, pith_info(PITH_TCB_READ_REGISTERS, 0, 2),
                  PITH_WORDS(suspend_source, PITH_CONTEXT_WORDS, 0, 0));
    pith_word *words = (pith_word *)context;
    for (int i = 0; i < PITH_CONTEXT_WORDS; i++)
        words[i] = i < 4 ? answer.word[i] : pith_ipc_buffer->words[i];
    return pith_label_of(answer);
}

static inline pith_word pith_tcb_write_registers(
    pith_cptr thread, bool resume_target, const struct pith_user_context *context)
{
    const pith_word *words = (const pith_word *)context;
    for (int i = 2; i < PITH_CONTEXT_WORDS; i++)
        pith_set_word(i + 2, words[i]);
    return pith_invoke(
        thread, PITH_TCB_WRITE_REGISTERS, PITH_CONTEXT_WORDS + 2,
        PITH_WORDS(resume_target, PITH_CONTEXT_WORDS, words[0], words[1]), 0);
}

static inline pith_word pith_tcb_copy_registers(
    pith_cptr thread, pith_cptr source, bool suspend_source, bool resume_target, bool frame, bool integer)
{
    pith_pass_cap(0, source);
    pith_word flags = suspend_source | resume_target << 1 | frame << 2 | integer << 3;
    return pith_invoke(thread, PITH_TCB_COPY_REGISTERS, 1, PITH_WORDS(flags, 0, 0, 0), 1);
}

/* for a lone CNode of 2^radix slots */
static inline pith_word pith_guard(pith_word radix)
{
    return 64 - radix;
}

static inline pith_word pith_tcb_configure(
    pith_cptr thread, pith_cptr cspace_root, pith_word cspace_data, pith_cptr vspace_root, pith_word buffer,
    pith_cptr buffer_frame)
{
    pith_pass_cap(0, cspace_root);
    pith_pass_cap(1, vspace_root);
    pith_pass_cap(2, buffer_frame);
    return pith_invoke(thread, PITH_TCB_CONFIGURE, 3, PITH_WORDS(cspace_data, 0, buffer, 0), 3);
}

static inline pith_word pith_tcb_set_priority(pith_cptr thread, pith_cptr authority, pith_word priority)
{
    pith_pass_cap(0, authority);
    return pith_invoke(thread, PITH_TCB_SET_PRIORITY, 1, PITH_WORDS(priority, 0, 0, 0), 1);
}

static inline pith_word pith_tcb_set_mc_priority(pith_cptr thread, pith_cptr authority, pith_word maximum)
{
    pith_pass_cap(0, authority);
    return pith_invoke(thread, PITH_TCB_SET_MC_PRIORITY, 1, PITH_WORDS(maximum, 0, 0, 0), 1);
}

static inline pith_word pith_tcb_set_sched_params(
    pith_cptr thread, pith_cptr authority, pith_word maximum, pith_word priority, pith_cptr sched_context,
    pith_cptr fault_endpoint)
{
    pith_pass_cap(0, authority);
    pith_pass_cap(1, sched_context);
    pith_pass_cap(2, fault_endpoint);
    return pith_invoke(thread, PITH_TCB_SET_SCHED_PARAMS, 2, PITH_WORDS(maximum, priority, 0, 0), 3);
}

static inline pith_word pith_tcb_set_timeout_endpoint(pith_cptr thread, pith_cptr endpoint)
{
    pith_pass_cap(0, endpoint);
    return pith_invoke(thread, PITH_TCB_SET_TIMEOUT_ENDPOINT, 0, PITH_NO_WORDS, 1);
}

static inline pith_word pith_tcb_set_ipc_buffer(pith_cptr thread, pith_word address, pith_cptr frame)
{
    pith_pass_cap(0, frame);
    return pith_invoke(thread, PITH_TCB_SET_IPC_BUFFER, 1, PITH_WORDS(address, 0, 0, 0), 1);
}

static inline pith_word pith_tcb_set_space(
    pith_cptr thread, pith_cptr fault_endpoint, pith_cptr cspace_root, pith_word cspace_data,
    pith_cptr vspace_root)
{
    pith_pass_cap(0, fault_endpoint);
    pith_pass_cap(1, cspace_root);
    pith_pass_cap(2, vspace_root);
    return pith_invoke(thread, PITH_TCB_SET_SPACE, 2, PITH_WORDS(cspace_data, 0, 0, 0), 3);
}

static inline pith_word pith_tcb_suspend(pith_cptr thread)
{
    return pith_invoke(thread, PITH_TCB_SUSPEND, 0, PITH_NO_WORDS, 0);
}

static inline pith_word pith_tcb_resume(pith_cptr thread)
{
    return pith_invoke(thread, PITH_TCB_RESUME, 0, PITH_NO_WORDS, 0);
}

static inline pith_word pith_tcb_bind_notification(pith_cptr thread, pith_cptr notification)
{
    pith_pass_cap(0, notification);
    return pith_invoke(thread, PITH_TCB_BIND_NOTIFICATION, 0, PITH_NO_WORDS, 1);
}

static inline pith_word pith_tcb_unbind_notification(pith_cptr thread)
{
    return pith_invoke(thread, PITH_TCB_UNBIND_NOTIFICATION, 0, PITH_NO_WORDS, 0);
}

static inline pith_word pith_tcb_set_tls_base(pith_cptr thread, pith_word base)
{
    return pith_invoke(thread, PITH_TCB_SET_TLS_BASE, 1, PITH_WORDS(base, 0, 0, 0), 0);
}

static inline pith_word pith_tcb_set_flags(pith_cptr thread, pith_word clear, pith_word set)
{
    return pith_invoke(thread, PITH_TCB_SET_FLAGS, 2, PITH_WORDS(clear, set, 0, 0), 0);
}

static inline pith_word pith_cnode_revoke(struct pith_place place)
{
    return pith_invoke(place.root, PITH_CNODE_REVOKE, 2, PITH_WORDS(place.index, place.depth, 0, 0), 0);
}

static inline pith_word pith_cnode_delete(struct pith_place place)
{
    return pith_invoke(place.root, PITH_CNODE_DELETE, 2, PITH_WORDS(place.index, place.depth, 0, 0), 0);
}

static inline pith_word pith_cnode_cancel_badged_sends(struct pith_place place)
{
    return pith_invoke(place.root, PITH_CNODE_CANCEL_BADGED_SENDS, 2,
                       PITH_WORDS(place.index, place.depth, 0, 0), 0);
}

static inline pith_word pith_cnode_copy(struct pith_place to, struct pith_place source, pith_word rights)
{
    pith_pass_cap(0, source.root);
    pith_set_word(4, rights);
    return pith_invoke(to.root, PITH_CNODE_COPY, 5,
                       PITH_WORDS(to.index, to.depth, source.index, source.depth), 1);
}

static inline pith_word pith_cnode_mint(
    struct pith_place to, struct pith_place source, pith_word rights, pith_word badge)
{
    pith_pass_cap(0, source.root);
    pith_set_word(4, rights);
    pith_set_word(5, badge);
    return pith_invoke(to.root, PITH_CNODE_MINT, 6,
                       PITH_WORDS(to.index, to.depth, source.index, source.depth), 1);
}

static inline pith_word pith_cnode_move(struct pith_place to, struct pith_place source)
{
    pith_pass_cap(0, source.root);
    return pith_invoke(to.root, PITH_CNODE_MOVE, 4,
                       PITH_WORDS(to.index, to.depth, source.index, source.depth), 1);
}

static inline pith_word pith_cnode_mutate(struct pith_place to, struct pith_place source, pith_word badge)
{
    pith_pass_cap(0, source.root);
    pith_set_word(4, badge);
    return pith_invoke(to.root, PITH_CNODE_MUTATE, 5,
                       PITH_WORDS(to.index, to.depth, source.index, source.depth), 1);
}

static inline pith_word pith_cnode_rotate(
    struct pith_place to, pith_word to_badge, struct pith_place pivot, pith_word pivot_badge,
    struct pith_place source)
{
    pith_pass_cap(0, pivot.root);
    pith_pass_cap(1, source.root);
    pith_set_word(4, pivot.depth);
    pith_set_word(5, pivot_badge);
    pith_set_word(6, source.index);
    pith_set_word(7, source.depth);
    return pith_invoke(to.root, PITH_CNODE_ROTATE, 8,
                       PITH_WORDS(to.index, to.depth, to_badge, pivot.index), 2);
}

static inline pith_word pith_irq_get(pith_cptr control, pith_word line, struct pith_place to)
{
    pith_pass_cap(0, to.root);
    return pith_invoke(control, PITH_IRQ_ISSUE_IRQ_HANDLER, 3, PITH_WORDS(line, to.index, to.depth, 0), 1);
}

static inline pith_word pith_irq_get_trigger(
    pith_cptr control, pith_word line, pith_word trigger, struct pith_place to)
{
    pith_pass_cap(0, to.root);
    return pith_invoke(control, PITH_IRQ_ISSUE_IRQ_HANDLER_TRIGGER, 4,
                       PITH_WORDS(line, trigger, to.index, to.depth), 1);
}

static inline pith_word pith_irq_ack(pith_cptr handler)
{
    return pith_invoke(handler, PITH_IRQ_ACK_IRQ, 0, PITH_NO_WORDS, 0);
}

static inline pith_word pith_irq_set_notification(pith_cptr handler, pith_cptr notification)
{
    pith_pass_cap(0, notification);
    return pith_invoke(handler, PITH_IRQ_SET_IRQ_HANDLER, 0, PITH_NO_WORDS, 1);
}

static inline pith_word pith_irq_clear(pith_cptr handler)
{
    return pith_invoke(handler, PITH_IRQ_CLEAR_IRQ_HANDLER, 0, PITH_NO_WORDS, 0);
}

static inline pith_word pith_domain_set(pith_cptr control, pith_word domain, pith_cptr thread)
{
    pith_pass_cap(0, thread);
    return pith_invoke(control, PITH_DOMAIN_SET, 1, PITH_WORDS(domain, 0, 0, 0), 1);
}

static inline pith_word pith_domain_schedule_configure(
    pith_cptr control, pith_word index, pith_word domain, pith_word duration)
{
    return pith_invoke(control, PITH_DOMAIN_SCHEDULE_CONFIGURE, 3, PITH_WORDS(index, domain, duration, 0), 0);
}

static inline pith_word pith_domain_schedule_set_start(pith_cptr control, pith_word index)
{
    return pith_invoke(control, PITH_DOMAIN_SCHEDULE_SET_START, 1, PITH_WORDS(index, 0, 0, 0), 0);
}

static inline pith_word pith_sched_control_configure(
    pith_cptr control, pith_cptr context, pith_word budget, pith_word period, pith_word extra_refills,
    pith_word badge, pith_word flags)
{
    pith_pass_cap(0, context);
    pith_set_word(4, flags);
    return pith_invoke(control, PITH_SCHED_CONTROL_CONFIGURE_FLAGS, 5,
                       PITH_WORDS(budget, period, extra_refills, badge), 1);
}

static inline pith_word pith_sched_context_bind(pith_cptr context, pith_cptr target)
{
    pith_pass_cap(0, target);
    return pith_invoke(context, PITH_SCHED_CONTEXT_BIND, 0, PITH_NO_WORDS, 1);
}

static inline pith_word pith_sched_context_unbind(pith_cptr context)
{
    return pith_invoke(context, PITH_SCHED_CONTEXT_UNBIND, 0, PITH_NO_WORDS, 0);
}

static inline pith_word pith_sched_context_unbind_object(pith_cptr context, pith_cptr target)
{
    pith_pass_cap(0, target);
    return pith_invoke(context, PITH_SCHED_CONTEXT_UNBIND_OBJECT, 0, PITH_NO_WORDS, 1);
}

/* These two return the answer itself; the label says whether it is one. */

static inline struct pith_message pith_sched_context_consumed(pith_cptr context)
{
    return pith_call(context, pith_info(PITH_SCHED_CONTEXT_CONSUMED, 0, 0), PITH_NO_WORDS);
}

static inline struct pith_message pith_sched_context_yield_to(pith_cptr context)
{
    return pith_call(context, pith_info(PITH_SCHED_CONTEXT_YIELD_TO, 0, 0), PITH_NO_WORDS);
}

static inline pith_word pith_page_table_map(
    pith_cptr table, pith_cptr vspace, pith_word address, pith_word attributes)
{
    pith_pass_cap(0, vspace);
    return pith_invoke(table, PITH_PAGE_TABLE_MAP, 2, PITH_WORDS(address, attributes, 0, 0), 1);
}

static inline pith_word pith_page_table_unmap(pith_cptr table)
{
    return pith_invoke(table, PITH_PAGE_TABLE_UNMAP, 0, PITH_NO_WORDS, 0);
}

static inline pith_word pith_page_map(
    pith_cptr frame, pith_cptr vspace, pith_word address, pith_word rights, pith_word attributes)
{
    pith_pass_cap(0, vspace);
    return pith_invoke(frame, PITH_PAGE_MAP, 3, PITH_WORDS(address, rights, attributes, 0), 1);
}

static inline pith_word pith_page_unmap(pith_cptr frame)
{
    return pith_invoke(frame, PITH_PAGE_UNMAP, 0, PITH_NO_WORDS, 0);
}

static inline struct pith_message pith_page_get_address(pith_cptr frame)
{
    return pith_call(frame, pith_info(PITH_PAGE_GET_ADDRESS, 0, 0), PITH_NO_WORDS);
}

static inline pith_word pith_asid_make_pool(pith_cptr control, pith_cptr untyped, struct pith_place to)
{
    pith_pass_cap(0, untyped);
    pith_pass_cap(1, to.root);
    return pith_invoke(control, PITH_ASID_CONTROL_MAKE_POOL, 2, PITH_WORDS(to.index, to.depth, 0, 0), 2);
}

static inline pith_word pith_asid_assign(pith_cptr pool, pith_cptr vspace)
{
    pith_pass_cap(0, vspace);
    return pith_invoke(pool, PITH_ASID_POOL_ASSIGN, 0, PITH_NO_WORDS, 1);
}

/* What the initial thread is told ------------------------------------------------------------------------- */

struct pith_slot_region {
    pith_word start, end;
};

struct pith_untyped_description {
    pith_word physical_address;
    uint8_t size_bits, is_device, padding[6];
};

struct pith_bootinfo {
    pith_word extra_length, node_id, node_count, io_page_table_levels;
    struct pith_ipc_buffer *ipc_buffer;
    struct pith_slot_region empty, shared_frames, user_image_frames, user_image_paging, io_space_caps;
    struct pith_slot_region extra_bootinfo_pages;
    pith_word root_cnode_size_bits, initial_domain;
    struct pith_slot_region sched_control, untyped;
    struct pith_untyped_description untyped_list[230];
};

_Static_assert(sizeof(struct pith_bootinfo) == 3864, "as the kernel lays it out");
_Static_assert(sizeof(struct pith_ipc_buffer) == 1024, "as the kernel lays it out");

/* At the top level of a program that wants a stack of another size than 32 KiB: PITH_STACK_BYTES(65536); */
#define PITH_STACK_BYTES(bytes) \
    _Static_assert((bytes) >= 4096 && (bytes) <= 1 << 30, "a stack has 4 KiB to 1 GiB"); \
    __asm__(".globl pith_stack_bytes\n.set pith_stack_bytes, " PITH_TEXT_OF(bytes))
#define PITH_TEXT_OF(value) PITH_TEXT_OF_IT(value)
#define PITH_TEXT_OF_IT(value) #value

/* Printing ------------------------------------------------------------------------------------------------ */

static inline pith_word pith_ask(long number, pith_word word) /* a debug or benchmark call */
{
    return pith_trap(number, word, 0, PITH_NO_WORDS, 0, 0).badge;
}

static inline void pith_debug_put_char(char character) /* debug kernels only, as all of these */
{
    pith_ask(PITH_SYS_DEBUG_PUT_CHAR, (unsigned char)character);
}

static inline void pith_debug_dump_scheduler(void) { pith_ask(PITH_SYS_DEBUG_DUMP_SCHEDULER, 0); }
static inline void pith_debug_halt(void) { pith_ask(PITH_SYS_DEBUG_HALT, 0); } /* stop the machine */
static inline void pith_debug_snapshot(void) { pith_ask(PITH_SYS_DEBUG_SNAPSHOT, 0); }

static inline pith_word pith_debug_cap_identify(pith_cptr cap)
{
    return pith_ask(PITH_SYS_DEBUG_CAP_IDENTIFY, cap);
}

static inline void pith_debug_name_thread(pith_cptr thread, const char *name)
{
    char *into = (char *)pith_ipc_buffer->words;
    do
        *into++ = *name;
    while (*name++);
    pith_ask(PITH_SYS_DEBUG_NAME_THREAD, thread);
}

static inline void pith_print(const char *text) /* through the debug kernel */
{
    for (; *text; text++)
        pith_debug_put_char(*text);
}

static inline void pith_print_number(pith_word value)
{
    char digits[21];
    int at = 20;
    digits[at] = 0;
    do
        digits[--at] = '0' + value % 10;
    while (value /= 10);
    pith_print(digits + at);
}

static inline void pith_write(pith_cptr console, const char *text) /* through a console server: one call */
{
    char *into = (char *)&pith_ipc_buffer->words[1];
    pith_word length = 0;
    for (; text[length] && length < 8 * 119; length++)
        into[length] = text[length];
    const pith_word *words = pith_ipc_buffer->words;
    pith_call(
        console, pith_info(PITH_CONSOLE_WRITE, 0, 1 + (length + 7) / 8),
        PITH_WORDS(length, words[1], words[2], words[3]));
}

static inline pith_word pith_instructions(void) /* that this processor has retired */
{
    pith_word count;
    __asm__ volatile("csrr %0, instret" : "=r"(count));
    return count;
}

/* What a kernel built for benchmarks measures of itself (docs/measuring.md) -------------------------------- */

struct pith_kernel_entry { /* 24 bytes; the log is an array of them */
    uint64_t start; /* cycles */
    uint32_t duration;
    uint8_t path; /* 1 interrupt, 2 debug or benchmark call, 3 fault, 5 page fault, 6 system call */
    uint8_t request[8]; /* of a system call, from bit 0: number 4, capability type 5, fast path 1, label 19 */
};

_Static_assert(sizeof(struct pith_kernel_entry) == 24, "as the kernel lays it out");

enum pith_utilisation { /* words of the IPC buffer after pith_benchmark_get_thread_utilisation */
    PITH_CYCLES, PITH_SWITCHES, PITH_KERNEL_CYCLES, PITH_KERNEL_ENTRIES, PITH_IDLE_CYCLES,
    PITH_IDLE_THREAD_CYCLES, PITH_IDLE_SWITCHES, PITH_IDLE_KERNEL_CYCLES, PITH_IDLE_KERNEL_ENTRIES,
    PITH_TOTAL_CYCLES, PITH_TOTAL_SWITCHES, PITH_TOTAL_KERNEL_CYCLES, PITH_TOTAL_KERNEL_ENTRIES
};

static inline void pith_benchmark_flush_caches(void) { pith_ask(PITH_SYS_BENCHMARK_FLUSH_CACHES, 0); }
static inline void pith_benchmark_null_syscall(void) { pith_ask(PITH_SYS_BENCHMARK_NULL_SYSCALL, 0); }

static inline pith_word pith_benchmark_set_log_buffer(pith_cptr frame) /* a page of 2 MiB; an error code */
{
    return pith_ask(PITH_SYS_BENCHMARK_SET_LOG_BUFFER, frame);
}

static inline pith_word pith_benchmark_reset_log(void) /* measure from now on; an error code */
{
    return pith_ask(PITH_SYS_BENCHMARK_RESET_LOG, 0);
}

static inline pith_word pith_benchmark_finalize_log(void) /* measure no longer; how many entries were logged */
{
    return pith_ask(PITH_SYS_BENCHMARK_FINALIZE_LOG, 0);
}

static inline void pith_benchmark_get_thread_utilisation(pith_cptr thread)
{
    pith_ask(PITH_SYS_BENCHMARK_GET_THREAD_UTILISATION, thread);
}

static inline void pith_benchmark_reset_thread_utilisation(pith_cptr thread)
{
    pith_ask(PITH_SYS_BENCHMARK_RESET_THREAD_UTILISATION, thread);
}

static inline void pith_benchmark_dump_all_threads_utilisation(void) /* a line `name,cycles` for each */
{
    pith_ask(PITH_SYS_BENCHMARK_DUMP_ALL_THREADS_UTILISATION, 0);
}

static inline void pith_benchmark_reset_all_threads_utilisation(void)
{
    pith_ask(PITH_SYS_BENCHMARK_RESET_ALL_THREADS_UTILISATION, 0);
}
