"""What to do about what clang and lld say of a program in C, where their words do not tell a user of Pith.

Programs are freestanding (C17, 4, paragraph 6): of the standard library there are the headers that need no code, and
nothing of POSIX. Whoever comes from a hosted system includes <stdio.h> first.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Final

FREESTANDING: Final = (
    "float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdnoreturn.h",
)  # fmt: skip
HOSTED: Final = (
    "assert.h", "complex.h", "ctype.h", "errno.h", "fcntl.h", "fenv.h", "inttypes.h", "locale.h", "malloc.h", "math.h",
    "poll.h", "pthread.h", "sched.h", "semaphore.h", "setjmp.h", "signal.h", "stdio.h", "stdlib.h", "string.h",
    "strings.h", "termios.h", "tgmath.h", "threads.h", "time.h", "uchar.h", "unistd.h", "wchar.h", "wctype.h",
)  # fmt: skip
NO_LIBRARY: Final = (
    "there is no C library here: #include <pith.h> and print with pith_print and pith_print_number; of C's own "
    f"headers there are {', '.join(FREESTANDING)}"
)
LIBRARY_FUNCTIONS: Final = {
    "abort", "assert", "calloc", "exit", "free", "malloc", "memcmp", "printf", "putchar", "puts", "rand", "realloc",
    "snprintf", "sprintf", "strcmp", "strcpy", "strlen",
}  # fmt: skip


def after_compile(said: str, include: Path) -> str:
    """The remedy for a file that clang refused, saying this; `include` is where the headers of Pith's own are."""
    missing = re.search(r"fatal error: '([^']+)' file not found", said)
    if missing is not None:
        return _missing_header(missing[1], include)
    undeclared = re.search(r"undeclared (?:function|identifier|library function) '(\w+)'", said)
    if undeclared is None:
        return "mend what clang names above"
    if undeclared[1] in LIBRARY_FUNCTIONS:
        return NO_LIBRARY
    ours = {name for file in include.rglob("*.h") for name in re.findall(r"\bpith_\w+", file.read_text())}
    near = difflib.get_close_matches(undeclared[1], sorted(ours), n=1)
    return f"did you mean `{near[0]}`?" if near else "mend what clang names above"


def _missing_header(name: str, include: Path) -> str:
    if name in HOSTED or name.startswith(("sys/", "arpa/", "net", "linux/")):
        return NO_LIBRARY
    ours = [str(file.relative_to(include)) for file in include.rglob("*.h")]
    near = difflib.get_close_matches(name, [*ours, *FREESTANDING], n=1)
    return f"did you mean <{near[0]}>?" if near else f"put {name} beside the file that includes it"


def after_link(said: str) -> str:
    """The remedy for a program that lld refused, saying this."""
    undefined = set(re.findall(r"undefined symbol: (\w+)", said))
    if "pith_main" in undefined:
        return "define `void pith_main(const struct pith_bootinfo *info)`: a program starts there; see examples/hello.c"
    return NO_LIBRARY if undefined & LIBRARY_FUNCTIONS else "define what is named above"
