/* A component with a mistake in it: it follows a pointer that was never set.
 *
 * It is written in C to show that a component may be written in anything, and that its language need not protect the
 * others from it: the address space does.
 */
#include <pith.h>

enum { CONSOLE = 2 };

struct list {
    struct list *next;
    pith_word value;
};

void pith_main(const struct pith_bootinfo *info)
{
    (void)info;
    pith_write(CONSOLE, "  \x1b[31mfaulty\x1b[0m    I follow a pointer that I forgot to set ...\n");
    struct list *volatile forgotten = 0;
    if (forgotten->value)
        pith_write(CONSOLE, "  faulty    I should never come here.\n");
}
