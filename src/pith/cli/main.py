"""The entry of the command `pith`.

Everything else is imported inside, so that `errors.guard` stands around the imports too: a half-installed
Pith then says which package is missing, as it says everything else. `pith doctor` starts without them.
"""

import sys
from typing import NoReturn

from pith.cli.errors import guard


def main() -> NoReturn:
    sys.exit(guard(run_command_line))


def run_command_line() -> None:
    try:
        from pith.cli.app import run
    except Exception:
        if sys.argv[1:] != ["doctor"]:
            raise
        from pith.cli.examination import report_plainly

        report_plainly()
    else:
        run(sys.argv[1:])
