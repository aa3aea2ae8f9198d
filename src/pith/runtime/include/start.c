/* Before and after `pith_main`, for programs in C: what runtime/start.py is for those in metal Python.
 *
 * A program begins with all registers 0, but an initial thread has bootinfo's address in a0. The stack is the
 * image's lowest part.
 */
#include <pith.h>

#define COMPONENT_IPC_BUFFER ((struct pith_ipc_buffer *)0x3ffff00000) /* runtime/process.py */

struct pith_ipc_buffer *pith_ipc_buffer;
void pith_main(const struct pith_bootinfo *info);

/* Where the linker script (pith.system.components) has put what; all on whole pages but the end. */
extern char pith_stack_bottom[], pith_stack_top[], pith_constants[], pith_data[], pith_image_end[];

#define READ_WRITE 3
#define NOT_EXECUTABLE 1
#define PAGE_BYTES 4096

/* The kernel has mapped the initial thread's image readable, writable and executable: leave each part what it needs. */
static void pith_protect(const struct pith_bootinfo *info)
{
    pith_cptr frame = info->user_image_frames.start;
    for (char *page = pith_stack_bottom; page < pith_image_end; page += PAGE_BYTES, frame++) {
        int is_text = page >= pith_stack_top && page < pith_constants;
        int is_writable = page < pith_stack_top || page >= pith_data;
        if (pith_page_map(frame, PITH_ROOT_VSPACE, (pith_word)page, is_writable ? READ_WRITE : PITH_READ,
                          is_text ? 0 : NOT_EXECUTABLE))
            __builtin_trap();
    }
}

__attribute__((used)) static void pith_run(const struct pith_bootinfo *info)
{
    pith_ipc_buffer = info ? info->ipc_buffer : COMPONENT_IPC_BUFFER;
    if (info)
        pith_protect(info);
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
                 "call pith_run\n");
}
