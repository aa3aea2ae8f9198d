"""From an exception to what the user reads.

Every command runs inside `guard`. What the user can mend arrives as a `UserError` and is printed as a
message and a remedy. What the kernel raises, which runs as Python here and is there to be changed, is shown with the
kernel's part of the traceback. Anything else that escapes is a fault of Pith, which is said in one line, with the
traceback in a file for whoever mends it. Exit codes: 1 an error, 2 wrong use, 70 a fault of Pith
(`EX_SOFTWARE`), 130 interrupted, 141 nobody reads the output any more; the last two are 128 and the
signal's number, as shells have it.
"""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import pith
from pith import UserError

FAULT_OF_PITH = 70
INTERRUPTED = 130
OUTPUT_CLOSED = 141
KERNEL = Path(pith.__file__).parent / "kernel"


class UsageError(UserError):
    """The command line itself is wrong: options that exclude each other, values out of range."""

    exit_code = 2


def guard(run: Callable[[], None]) -> int:
    """Run a command to its end, whatever end that is, and return the exit code."""
    try:
        run()
        sys.stdout.flush()
        return 0
    except UserError as error:
        report(error)
        return error.exit_code
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes standard output once more on its way out: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUTPUT_CLOSED
    except ModuleNotFoundError as error:
        if (error.name or "pith").partition(".")[0] == "pith":
            return report_fault_of_pith()
        report(UserError(f"the Python package `{error.name}` is missing", "make set-up"))
        return 1
    except Exception as error:
        if is_from_kernel(error):
            report_broken_kernel(error)
            return 1
        return report_fault_of_pith()


def report(error: UserError) -> None:
    print(error.message if error.speaks_for_itself else f"pith: {error.message}", file=sys.stderr)
    if error.remedy:
        print(f"  try: {error.remedy}", file=sys.stderr)


def is_from_kernel(error: Exception) -> bool:
    """Whether it was raised by the kernel's source, or on the way through it."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    files += [error.filename or ""] if isinstance(error, SyntaxError) else []
    return any(Path(file).is_relative_to(KERNEL) for file in files)


def report_broken_kernel(error: Exception) -> None:
    """Say what the kernel raised, and where in it; from the first of its functions on."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [index for index, frame in enumerate(frames) if Path(frame.filename).is_relative_to(KERNEL)]
    shown = "".join(traceback.format_list(frames[inside[0] :]) if inside else [])
    what = "".join(traceback.format_exception_only(error))
    print(
        f"pith: the kernel, {KERNEL}, raised {type(error).__name__}:\n{shown}{what}", end="", file=sys.stderr
    )
    print("  try: mend it there; --pdb stops in it before", file=sys.stderr)


def report_fault_of_pith() -> int:
    """Say that this is our fault, and keep the traceback of the exception being handled."""
    kind, error, trace = sys.exc_info()
    print(f"pith: this is a bug in pith: {kind.__name__ if kind else ''}: {error}", file=sys.stderr)
    if trace is not None:
        last = traceback.extract_tb(trace)[-1]
        print(
            f"  at {last.filename}:{last.lineno}, in {last.name}: yours, if you changed it", file=sys.stderr
        )
    try:
        with tempfile.NamedTemporaryFile("w", prefix="pith-bug-", suffix=".txt", delete=False) as file:
            file.write(f"pith {' '.join(sys.argv[1:])}\n\n{traceback.format_exc()}")
        print(f"  the traceback is in {file.name}; please report it with that file", file=sys.stderr)
    except OSError:
        traceback.print_exc()  # no place for a file: better here than lost
    return FAULT_OF_PITH
