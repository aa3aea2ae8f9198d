"""Run a command, and say what it took: processor time, which is the same on a busy machine, and time by the clock.

    python tools/timed.py NAME COMMAND...

The processor time is that of the command and of all that it started and waited for. The status is the command's.
"""

import resource
import subprocess
import sys
import time


def main(name: str, *command: str) -> int:
    start = time.monotonic()
    status = subprocess.run(command, check=False).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    verdict = "all is well" if status == 0 else "not all is well: see above"
    print(
        f"{name}: {verdict}; {used.ru_utime + used.ru_stime:.0f} seconds of processor time, "
        f"{time.monotonic() - start:.0f} by the clock"
    )
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
