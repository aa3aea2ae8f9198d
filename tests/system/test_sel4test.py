"""seL4's own tests: their driver, an unmodified ELF built from public sources, as the initial thread.

The ELF is not part of this repository. Build `sel4test-driver` for seL4 16 (MCS, riscv64, platform `qemu-riscv-virt`) and name it in
PITH_SEL4TEST; docs/sel4test.md says how.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pith.machine import Machine
from pith.verify.watch import VARIABLE

DRIVER = os.environ.get("PITH_SEL4TEST", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DRIVER, reason="PITH_SEL4TEST does not name seL4's test driver"),
]


def test_the_trivial_tests_pass(start: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")  # a look at all slots of CNodes as large as its own takes seconds
    machine = start(Path(DRIVER))
    machine.wait_for("TRIVIAL0002 passed", seconds=300)
    assert "TRIVIAL0000 passed" in machine.output and "TRIVIAL0001 passed" in machine.output
    assert "failed" not in machine.output.lower().replace("failed to allocate", "")
