"""The kernels, made once a module: CPython's beside the one compiled for this host, or beside that and riscv64's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .compiled import Compiled
from .emulated import Emulated
from .run import Runner
from .world import Interpreted, small_kernel


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """The kernel's constants are the small world's."""
    with small_kernel():
        yield


@pytest.fixture(scope="module")
def lockstep(small: None) -> Runner:
    """CPython's kernel, and the compiled one in this process."""
    Interpreted()  # gives statics their places, which are compiled in
    return Runner([Compiled()])


@pytest.fixture(scope="module")
def three_lives(small: None, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """The same, and the compiled one as riscv64 code under emulation."""
    Interpreted()
    return Runner([Compiled(), Emulated(tmp_path_factory.mktemp("kernel"))])
