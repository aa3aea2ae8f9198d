"""The demonstration: six programs that show what a microkernel is for, and a prompt to look around.

initial.py     the initial thread: tells the story, chapter by chapter, then serves the prompt
parts.py       the components: which there are, and how each is built and what it is given
watch.py       waiting: for faults, for components that report, for what is typed
prompt.py      the commands            tables.py  what `ps`, `caps` and `mem` print
measure.py     what `ipc` measures
explorer.py    touches memory that it does not have, and gets it (from services/pager.py)
server.py      works on what clients hand it        client.py  hands it a page and a bell
faulty.c       a program with a mistake in it, in C
"""
