"""What a user program links: the way into the kernel, and the little that every program needs besides.

Metal Python, like the kernel, but on the other side of the system call: it knows `pith.abi` and nothing of
`pith.kernel`. From the ground up:

    capability.py     naming capabilities and slots, rights
    process.py        what a running program remembers about itself: where its IPC buffer is
    syscalls.py       the eleven system calls, message words in registers
    invocation.py     calling a kernel object; the kernel's "no" as a Failure
    untyped, cnode, tcb, page, page_table, asid, irq, sched_context, sched_control, domain
                      one file an object, one function an operation, as in the manual's chapter
    endpoint, notification, debug
                      the objects that are used by sending, and the calls of debug kernels
    faults.py         what a fault message says        bootinfo.py   what the initial thread was told
    supervision.py    the one convention between components and whoever started them
    console.py        printing                         counters.py   instructions and time
    panic.py          the end of a program that found itself wrong
    start.py          before and after `main`
    pool.py           objects from one untyped         device.py     frames of device registers
    address_space.py  mapping pages, page tables as needed
    elf.py            reading program images           archive.py    finding them in one's own image
    component.py      a program in an address space of its own: made, started, killed
    heap.py           memory that is not objects

`include/pith.h` is the same interface for C.
"""
