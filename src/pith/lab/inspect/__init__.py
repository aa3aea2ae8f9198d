"""Looking into a stopped system: what `pith inspect` shows, also from a debugger.

    dump          physical memory from a file becomes the memory that the kernel's objects are read from
    core_file     the file that `pith boot --dump` writes
    report        what is to be shown, without saying how: tables and trees
    threads, capabilities, derivation, spaces, queues, time    one subject each: from the census to a report
    text          reports on a terminal            page    reports and drawings as one HTML file
    drawing       boxes, lines and text as SVG     graphs, communication    what is drawn with them

All subjects take a census (`pith.verify.census`), so they work on whatever memory is attached: a dump, or the
hosted machine while it stands. From pdb: `from pith.lab.inspect import show; show("threads")`.
"""

from .subjects import SUBJECTS, show

__all__ = ["SUBJECTS", "show"]
