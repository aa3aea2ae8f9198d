"""What one request costs, counted in its trace."""

import json

import pytest
from rich.console import Console

from pith.lab.bench.building import SOURCES
from pith.lab.bench.kernels import own_kernel
from pith.lab.bench.log import Privilege, Step
from pith.lab.bench.service import WAYS, Cost, between_stamps, cost
from pith.lab.bench.service_text import service_table, to_json
from tests.cli.conftest import Pith, pith  # noqa: F401

USER, KERNEL, FIRMWARE = Privilege
STAMP = 0x200
CLIENT, SERVER = 1, 2


def step(privilege: Privilege, space: int, address: int = 0x300) -> Step:
    return Step(address, privilege, (f" satp     {space:016x}\n",))


def sample() -> list[Step]:
    """A request: into the kernel, to the server, back; the kernel asks the firmware for something on the way."""
    stamp = step(USER, CLIENT, STAMP)
    there = [step(USER, CLIENT), step(KERNEL, CLIENT), step(KERNEL, SERVER)]
    back = [step(USER, SERVER), step(KERNEL, SERVER), step(FIRMWARE, SERVER), step(KERNEL, CLIENT)]
    return [step(USER, CLIENT), stamp, *there, *back, step(USER, CLIENT), stamp, step(USER, CLIENT)]


def test_a_request_lies_between_the_first_stamp_and_the_last() -> None:
    assert between_stamps(sample(), {STAMP}) == sample()[2:10]


def test_entries_switches_and_instructions_are_counted_in_the_trace() -> None:
    found = cost("Pith", WAYS[1], between_stamps(sample(), {STAMP}), 8)
    assert found == Cost("Pith", WAYS[1], 2, 2, 3, 4, 1, 8)
    assert found.instructions == 8


def costs() -> list[Cost]:
    return [
        Cost("Pith", WAYS[0], 0, 0, 100, 0, 0, 100),
        Cost("Pith", WAYS[1], 2, 2, 150, 450, 0, 600),
        Cost("other", WAYS[0], 0, 0, 100, 0, 0, 100),
        Cost("other", WAYS[1], 2, 2, 150, 850, 0, 1000),
    ]


def test_the_table_compares_with_the_functions_on_the_same_kernel() -> None:
    console = Console(width=120, color_system=None)
    with console.capture() as captured:
        console.print(service_table(costs()))
    lines = [line.split() for line in captured.get().splitlines()]
    assert ["one", "server", "Pith", "2", "2", "600", "450", "6.0"] in lines
    assert ["one", "server", "other", "2", "2", "1000", "850", "10.0"] in lines


def test_json_has_every_count() -> None:
    found = json.loads(to_json(costs()))[1]
    assert (found["Kernel entries"], found["Address-space switches"], found["In the kernel"]) == (2, 2, 450)


def test_the_program_knows_every_way() -> None:
    text = (SOURCES / "service.c").read_text()
    assert all(f'asked_for("{way.scenario}")' in text for way in WAYS)


@pytest.mark.qemu
@pytest.mark.slow
def test_each_server_costs_two_entries_and_two_switches_on_either_kernel(pith: Pith) -> None:  # noqa: F811
    kernel = own_kernel().elf
    ended = pith("bench", "service", "--json", "--kernel", kernel, "--against", kernel)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert [way["Kernel"] for way in found] == [kernel.name] * 3 + [f"the other {kernel.name}"] * 3
    counts = [(way["Kernel entries"], way["Address-space switches"]) for way in found]
    assert counts == [(0, 0), (2, 2), (4, 4)] * 2
    assert all(way["Instructions"] == way["Counted"] for way in found)
    functions, server, chain = (way["Instructions"] for way in found[:3])
    assert functions < server < chain
    assert [way["Instructions"] for way in found[3:]] == [functions, server, chain]
