/* Sets the domain schedule where it can and cannot be set, with one domain, whose time is never over: it goes on printing. */
#include <pith.h>

enum { LAST_ENTRY = 98, SECOND = 10000000 };

static void tell(const char *what, pith_word first, pith_word error)
{
    pith_print(what);
    pith_print(" ");
    pith_print_number(first);
    pith_print(": error ");
    pith_print_number(error);
    pith_print("\n");
}

static pith_word configure(pith_word index, pith_word domain, pith_word duration)
{
    return pith_domain_schedule_configure(PITH_ROOT_DOMAIN, index, domain, duration);
}

void pith_main(const struct pith_bootinfo *info)
{
    (void)info;
    for (pith_word index = LAST_ENTRY; index <= LAST_ENTRY + 2; index++)
        tell("entry", index, configure(index, 0, SECOND));
    for (pith_word index = LAST_ENTRY; index <= LAST_ENTRY + 2; index++)
        tell("start", index, pith_domain_schedule_set_start(PITH_ROOT_DOMAIN, index));
    for (pith_word duration = 4096; duration > 0; duration /= 2) {
        configure(0, 0, duration);
        tell("ticks", duration, pith_domain_schedule_set_start(PITH_ROOT_DOMAIN, 0));
    }
    pith_debug_halt();
}
