"""From an exception to what the user reads.

Every command runs inside `guard`. What the user can mend arrives as a `UserError` and is printed as a
message and a remedy; anything else that escapes is a fault of Pith, which is said in one line, with the
traceback in a file for whoever mends it. Exit codes: 1 an error, 2 wrong use, 70 a fault of Pith
(`EX_SOFTWARE`), 130 interrupted, 141 nobody reads the output any more; the last two are 128 and the
signal's number, as shells have it.
"""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable

from pith import UserError

FAULT_OF_PITH = 70
INTERRUPTED = 130
OUTPUT_CLOSED = 141


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
    except Exception:
        return report_fault_of_pith()


def report(error: UserError) -> None:
    print(error.message if error.speaks_for_itself else f"pith: {error.message}", file=sys.stderr)
    if error.remedy:
        print(f"  try: {error.remedy}", file=sys.stderr)


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
