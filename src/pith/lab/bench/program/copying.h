/* Copying words: eight a turn, the rest one by one. */

#pragma once

#include "stamps.h"

/* The compiler may not make a call of a library's function out of these loops. */
#define KEEP_LOOP __asm__ volatile("" ::: "memory")

static inline void copy_words(word *to, const word *from, word count)
{
    for (; count >= 8; count -= 8, to += 8, from += 8) {
        word a = from[0], b = from[1], c = from[2], d = from[3], e = from[4], f = from[5], g = from[6], h = from[7];
        to[0] = a, to[1] = b, to[2] = c, to[3] = d, to[4] = e, to[5] = f, to[6] = g, to[7] = h;
        KEEP_LOOP;
    }
    for (; count; count--) {
        *to++ = *from++;
        KEEP_LOOP;
    }
}
