"""What all tests share: QEMU tests skip where there is none, hypothesis takes its time, and hosted kernels are watched."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pith.metal import memory
from pith.verify.watch import VARIABLE

ROOT = Path(__file__).parents[1]

# Tests run beside one another on machines that do other things too: how long one example took says nothing.
settings.register_profile("pith", deadline=None)
settings.load_profile("pith")

# On the hosted machine the invariants hold after every kernel exit, in whatever test it is.
os.environ.setdefault(VARIABLE, "1")


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


@pytest.fixture(autouse=True)
def leave_memory_as_it_was() -> Iterator[None]:
    """Let the next test import modules with statics, and forget those of modules that only pass by.

    A static can only be made while no memory is attached, and is for good: so would be those of the modules
    that a test wrote to see them refused.
    """
    yield
    memory.buffer = None
    memory.statics[:] = [static for static in memory.statics if _stays(type(static).__module__)]


def _stays(module: str) -> bool:
    file = Path(getattr(sys.modules.get(module), "__file__", None) or "/")
    return file.is_relative_to(ROOT) and "ill_formed" not in file.parts
