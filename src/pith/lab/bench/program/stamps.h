/* System calls with a stamp on either side.
 *
 * A stamp is the number of instructions that the machine has retired. Each system call here is
 *
 *     rdinstret  before
 *     ecall
 *     rdinstret  after
 *
 * with every argument in its register already, so nothing of the program's own stands between the two. When the
 * thread on the other side of an IPC takes its own `after` stamp, the difference between the two threads' stamps is the
 * way from one to the other. Between two stamps back to back the counter moves by one, the first stamp itself:
 * `between` takes that off.
 */

#pragma once

#include <pith.h>

typedef pith_word word;

struct stamps { word before, after; };

static inline word stamp(void)
{
    word now;
    __asm__ volatile("rdinstret %0" : "=r"(now)::"memory");
    return now;
}

/* The instructions that ran between two stamps. */
static inline word between(word earlier, word later) { return later - earlier - 1; }

static inline word duration(struct stamps stamps) { return between(stamps.before, stamps.after); }

struct answer { word info; struct stamps stamps; };

static inline word error_of(struct answer answer) { return answer.info >> 12; }

static inline struct answer trap(long number, word cap, word info, const word words[4], word reply)
{
    register word a0 __asm__("a0") = cap;
    register word a1 __asm__("a1") = info;
    register word a2 __asm__("a2") = words[0];
    register word a3 __asm__("a3") = words[1];
    register word a4 __asm__("a4") = words[2];
    register word a5 __asm__("a5") = words[3];
    register word a6 __asm__("a6") = reply;
    register long a7 __asm__("a7") = number;
    struct stamps stamps;
    __asm__ volatile("rdinstret %[before]\n\tecall\n\trdinstret %[after]"
                     : [before] "=&r"(stamps.before), [after] "=&r"(stamps.after), "+r"(a0), "+r"(a1), "+r"(a2),
                       "+r"(a3), "+r"(a4), "+r"(a5)
                     : "r"(a6), "r"(a7)
                     : "memory");
    return (struct answer){a1, stamps};
}

/* What the words hold does not change the work, so they are zero; those beyond the fourth are what the IPC
 * buffer holds already. */
static inline struct answer system_call(long number, word cap, word length, word reply)
{
    return trap(number, cap, pith_info(0, 0, length), PITH_NO_WORDS, reply);
}

/* An invocation's arguments as its method has them: capabilities and the words beyond the fourth in the IPC buffer. */
struct invocation {
    word target, label;
    word cap_count, cap;
    word word_count, words[6];
};

static inline struct answer invoke(struct pith_ipc_buffer *buffer, const struct invocation *invocation)
{
    buffer->caps_or_badges[0] = invocation->cap;
    buffer->words[4] = invocation->words[4];
    buffer->words[5] = invocation->words[5];
    word info = pith_info(invocation->label, invocation->cap_count, invocation->word_count);
    return trap(PITH_SYS_CALL, invocation->target, info, invocation->words, 0);
}
