"""From an exception to what the user reads.

Every command runs inside `guard`. What the user can mend arrives as a `UserError` and is printed as a
message and a remedy. What the kernel raises, which runs as Python here and is there to be changed, is shown with the
kernel's part of the traceback. What the operating system refuses, for a reason that lies with it (a full disk, no memory), is
said as that. Anything else that escapes is a fault of Pith, which is said in one line, with the
traceback in a file for whoever mends it. Exit codes: 1 an error, 2 wrong use, 70 a fault of Pith
(`EX_SOFTWARE`), 130 interrupted, 141 nobody reads the output any more; the last two are 128 and the
signal's number, as shells have it.
"""

import contextlib
import errno
import os
import sys
import sysconfig
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pith
from pith import UserError, cache_directory

FAULT_OF_PITH = 70
INTERRUPTED = 130
OUTPUT_CLOSED = 141
KERNEL = Path(pith.__file__).parent / "kernel"

# What the operating system refuses for reasons of its own, and what to do about it.
REFUSALS = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room: your quota is used up",
    errno.EFBIG: "raise the limit of file sizes: ulimit -f",
    errno.EIO: "look at the disk or terminal: it does not work",
    errno.EROFS: "name a place that can be written",
    errno.EACCES: "name a place that is yours, or ask its owner",
    errno.EPERM: "name a place that is yours, or ask its owner",
    errno.ENOMEM: "end other programs: there is no memory left",
    errno.EAGAIN: "end other programs: there are too many processes",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
    errno.ENFILE: "end other programs: too many files are open",
}


class UsageError(UserError):
    """The command line itself is wrong: options that exclude each other, values out of range."""

    exit_code = 2


def guard(run: Callable[[], None]) -> int:
    """Run a command to its end, whatever end that is, and return the exit code."""
    provide_standard_streams()
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
        discard_output()
        return OUTPUT_CLOSED
    except ModuleNotFoundError as error:
        if (error.name or "pith").partition(".")[0] == "pith":
            return report_fault_of_pith()
        report(UserError(f"the Python package `{error.name}` is missing", "make set-up"))
        return 1
    except (ImportError, SyntaxError, AttributeError) as error:
        package = damaged_package(error)
        if package is None:
            return report_unexpected(error)
        report(UserError(f"the Python package `{package}` is damaged: {error}", "make set-up"))
        return 1
    except OSError as error:
        refusal = explain_refusal(error)
        if refusal is None:
            return report_unexpected(error)
        if error.filename is None:
            discard_output()
        report(refusal)
        return refusal.exit_code
    except Exception as error:
        return report_unexpected(error)


def provide_standard_streams() -> None:
    """Open closed standard streams on nothing, so that no file that is opened later gets their numbers."""
    is_lost = sys.stdout is None
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
            if number > 0:  # without a standard input there is no keyboard
                setattr(sys, name, os.fdopen(number, "w"))
    if is_lost:
        print("pith: standard output is closed: what is printed is lost", file=sys.stderr)


def discard_output() -> None:
    """Give standard output somewhere to go: the interpreter flushes it once more on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain_refusal(error: OSError) -> UserError | None:
    """The error for what lies with the operating system or the disk, None for what lies with us."""
    if is_in_cache(error.filename):
        complaint = f"{os.fsdecode(error.filename)}, in the cache: {error.strerror}"
        return UserError(complaint, "run the same command again; if that does not help: pith cache --clear")
    if "No usable temporary directory" in str(error):
        return UserError(
            "no directory for temporary files can be written", "name one: export TMPDIR=/a/directory"
        )
    if error.errno not in REFUSALS:
        return None
    if error.filename is None:  # it was open already
        place = "standard output, or a file, cannot be written"
    else:
        place = os.fsdecode(error.filename)
    return UserError(f"{place}: {error.strerror}", REFUSALS[error.errno])


def is_in_cache(file: str | bytes | None) -> bool:
    with contextlib.suppress(UserError):
        return file is not None and Path(os.fsdecode(file)).is_relative_to(cache_directory())
    return False


def damaged_package(error: ImportError | SyntaxError | AttributeError) -> str | None:
    """The installed package that does not have what it must, such as when a file of it was cut short."""
    if isinstance(error, ImportError):
        names = [error.name or ""]
    elif isinstance(error, AttributeError):
        names = [error.obj.__name__] if isinstance(error.obj, ModuleType) else []
    else:
        folder = Path(sysconfig.get_path("purelib"))
        file = Path(error.filename or "/")
        names = [file.relative_to(folder).parts[0]] if file.is_relative_to(folder) else []
    tops = [name.partition(".")[0] for name in names]
    return next((top for top in tops if top not in ("", "pith", *sys.stdlib_module_names)), None)


def report_unexpected(error: Exception) -> int:
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
