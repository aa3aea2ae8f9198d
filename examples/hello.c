/* The smallest program in C: print a line, look at what the kernel gave us, and stop the machine.
 *
 *     pith run examples/hello.c
 */
#include <pith.h>

void pith_main(const struct pith_bootinfo *info)
{
    pith_print("Hello from user mode, in C.\n");
    pith_print("My capability space has ");
    pith_print_number(1ull << info->root_cnode_size_bits);
    pith_print(" slots, of which ");
    pith_print_number(info->empty.end - info->empty.start);
    pith_print(" are empty.\n");
    pith_debug_halt();
}
