"""Monolithic against microkernel, counted: the same service as functions, as a server, and as two servers in a chain.

A request is traced instruction by instruction. The kernel is entered where an instruction of the kernel follows one of a
program, and the address space changes where satp does: both are counted in the trace.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Final, NamedTuple

from .kernels import Kernel
from .log import Privilege, Step, incomplete, program_stamps, record_samples
from .measuring import OnRow


class Way(NamedTuple):
    """How the service is built: a scenario of the program's, and what stands between reader and disk."""

    scenario: str
    label: str


WAYS: Final = (
    Way("service-functions", "functions"),
    Way("service-server", "one server"),
    Way("service-chain", "two servers"),
)


class Cost(NamedTuple):
    """What one request took; `counted` is the program's own count of all its instructions."""

    kernel: str
    way: Way
    entries: int  # of the kernel
    switches: int  # from an address space to another
    in_user: int
    in_kernel: int
    in_firmware: int
    counted: int

    @property
    def instructions(self) -> int:
        return self.in_user + self.in_kernel + self.in_firmware


def measure_services(kernel: Kernel, on_way: OnRow) -> list[Cost]:
    """Trace a request in each way. Raises UserError if QEMU's log is incomplete."""
    costs = []
    for way in WAYS:
        found, samples = record_samples(kernel, way.scenario, registers=True)
        if not found:
            raise incomplete(way.scenario)
        request = between_stamps(found[-1], program_stamps())
        costs.append(cost(kernel.name, way, request, samples[way.scenario][-1]))
        on_way(way.label)
    return costs


def between_stamps(sample: list[Step], stamps: set[int]) -> list[Step]:
    """What a sample executes between its first stamp and its last, both not included."""
    at = [i for i, step in enumerate(sample) if step.privilege is Privilege.USER and step.address in stamps]
    return sample[at[0] + 1 : at[-1]]


def cost(kernel: str, way: Way, request: list[Step], counted: int) -> Cost:
    """Count a request's instructions, entries and switches."""
    executed = Counter(step.privilege for step in request)
    entries = sum(
        before.privilege is Privilege.USER and after.privilege is not Privilege.USER
        for before, after in pairwise(request)
    )
    switches = sum(before.space != after.space for before, after in pairwise(request))
    return Cost(
        kernel,
        way,
        entries,
        switches,
        executed[Privilege.USER],
        executed[Privilege.KERNEL],
        executed[Privilege.FIRMWARE],
        counted,
    )
