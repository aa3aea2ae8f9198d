"""What all tests share: QEMU tests skip where there is none, and hypothesis takes its time."""

import os
import shutil

import pytest
from hypothesis import settings

# Tests run beside one another on machines that do other things too: how long one example took says nothing.
settings.register_profile("pith", deadline=None)
settings.load_profile("pith")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("qemu-system-riscv64"):
        return
    absent = pytest.mark.skip(
        reason="qemu-system-riscv64 is not on PATH; `pith doctor` says how to install it"
    )
    for item in items:
        if item.get_closest_marker("qemu"):
            item.add_marker(absent)


@pytest.fixture(scope="session")
def soak_seconds() -> float:
    """How long a soak test may go on; `make soak` says."""
    return float(os.environ.get("PITH_SOAK_SECONDS", "60"))
