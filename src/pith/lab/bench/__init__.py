"""What the kernel costs, in retired instructions, beside another kernel doing the same work.

    program/     the benchmark: one user program in C, for any kernel with seL4 16's interface
    rows         what it measures, and the other kernel's figures
    building     its ELF, and a boot image of it with a kernel
    kernels      the kernel in what the user names: Pith's own, an ELF, another kernel's boot image
    measuring    a run on QEMU, and the samples that it printed
    statistics   minimum, median and the like
    table, json_report, plot    the three ways to show the results
    log          every instruction of a run, between two stamps
    symbols      from an address to a function and a source line
    profile      a row's instructions by function and line
    flame        the same, drawn
    accesses     the loads and stores of a trace
    owners       what stands at an address of the kernel's
    footprint    the cache lines that a row touches
    kernel_bytes how large a kernel is, and its objects
    memory, memory_text, memory_json    the three as one report
    figures      curves, such as the cost of moving data by size; figures_text, figures_json, chart show them
    service      a service as functions and as servers, from their traces; service_text shows it
    boot         from power-on to the initial thread
    timer        what setting the timer costs, with Sstc and without

A run counts instructions as time, so it is the same every time; there is nothing to average out, and one
difference of one instruction is a difference.
"""
