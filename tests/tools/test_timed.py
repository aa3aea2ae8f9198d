"""What a command took is told, and its status kept."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TIMED = Path(__file__).parents[2] / "tools" / "timed.py"
BUSY = "import time\nend = time.process_time() + 0.6\nwhile time.process_time() < end: pass\nraise SystemExit({status})"


def timed(status: int) -> tuple[int, str]:
    command = [sys.executable, TIMED, "work", sys.executable, "-c", BUSY.format(status=status)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.slow
def test_processor_time_and_status() -> None:
    status, told = timed(0)
    assert status == 0 and re.fullmatch(
        r"work: all is well; [1-9]\d* seconds of processor time, \d+ by the clock\n", told
    )
    status, told = timed(3)
    assert status == 3 and told.startswith("work: not all is well")
