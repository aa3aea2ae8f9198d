/* Before and after `pith_main`, for programs in C: what runtime/start.py is for those in metal Python.
 *
 * A program begins with all registers 0, but an initial thread has bootinfo's address in a0. The stack is part of
 * the image.
 */
#include <pith.h>

#define COMPONENT_IPC_BUFFER ((struct pith_ipc_buffer *)0x3ffff00000) /* runtime/process.py */

struct pith_ipc_buffer *pith_ipc_buffer;
void pith_main(const struct pith_bootinfo *info);

#define STACK_BYTES 32768
#define TEXT_OF(number) TEXT_OF_IT(number)
#define TEXT_OF_IT(number) #number

__attribute__((used)) static void pith_run(const struct pith_bootinfo *info)
{
    pith_ipc_buffer = info ? info->ipc_buffer : COMPONENT_IPC_BUFFER;
    pith_main(info);
    if (info)
        pith_tcb_suspend(PITH_ROOT_TCB);
    else
        pith_send(PITH_SUPERVISOR, pith_info(PITH_FINISHED, 0, 0), PITH_NO_WORDS);
    __builtin_trap();
}

__attribute__((naked, section(".text.start"))) void _start(void)
{
    __asm__ volatile(".option push\n"
                 ".option norelax\n"
                 "la gp, __global_pointer$\n"
                 ".option pop\n"
                 "la sp, pith_stack_top\n"
                 "call pith_run\n"
                 ".pushsection .stack, \"aw\", @nobits\n"
                 ".balign 16\n"
                 ".space " TEXT_OF(STACK_BYTES) "\n"
                 "pith_stack_top:\n"
                 ".popsection\n");
}
