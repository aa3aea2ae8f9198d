"""The two kernels, made once a module: CPython's alone, and CPython's beside the compiled one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .compiled import Compiled
from .run import Runner
from .world import Interpreted, small_kernel


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """The kernel's constants are the small world's."""
    with small_kernel():
        yield


@pytest.fixture(scope="module")
def lockstep(small: None) -> Runner:
    """CPython's kernel and the compiled one."""
    Interpreted()  # gives statics their places, which are compiled in
    return Runner([Compiled()])
