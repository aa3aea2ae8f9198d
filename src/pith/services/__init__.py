"""User-level servers and drivers. Each file is one program, in an address space of its own.

uart.py     the serial line: an interrupt, a page of registers, an endpoint for whoever wants to print or read
pager.py    memory on demand: page faults come as messages, and are answered with pages
demo/       the demonstration system: who starts these, who uses them, and the prompt
"""
