"""The kernels, made once a module: CPython's beside the one compiled for this host, or beside that and riscv64's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .builds import RELEASE, installed
from .compiled import Compiled
from .run import Runner, with_all_lives


@pytest.fixture(scope="module")
def release() -> Iterator[None]:
    """The kernel is the release build."""
    with installed(RELEASE):
        yield


@pytest.fixture(scope="module")
def lockstep(release: None) -> Runner:
    """CPython's kernel, and the compiled one in this process."""
    return Runner(RELEASE, [Compiled])


@pytest.fixture(scope="module")
def three_lives(release: None, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """The same, and the compiled one as riscv64 code under emulation."""
    return with_all_lives(RELEASE, tmp_path_factory.mktemp("kernel"))
