"""A machine for every test of a whole system: each test runs on both, and names neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pith.machine import Machine
from pith.machine.hosted import HostedMachine
from pith.machine.qemu import QemuMachine
from pith.system import image
from pith.system.demo import build_demo
from pith.system.kernel import build_kernel
from tests import arena

MEMORY = 128 << 20


@pytest.fixture(autouse=True)
def no_arena() -> Iterator[None]:
    """Building imports modules with statics: no other test's memory may be attached then."""
    arena.detach()
    yield
    arena.detach()


Start = Callable[..., Machine]


@pytest.fixture(params=["hosted", pytest.param("qemu", marks=pytest.mark.qemu)])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start an initial thread (the demonstration's, unless another is given) on the machine under test."""
    running: list[Machine] = []

    def boot(program: Path | None = None, tree: bytes | None = None) -> Machine:
        output, initial = tmp_path / "image.elf", program or build_demo()
        if request.param == "hosted":
            running.append(HostedMachine(image.build(output, initial, None), memory=MEMORY, tree=tree))
        else:
            boot_image = image.build(output, initial, build_kernel())
            running.append(QemuMachine(boot_image, memory=MEMORY, icount=True, tree=tree))
        return running[-1]

    yield boot
    for machine in running:
        machine.close()
