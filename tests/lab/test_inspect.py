"""`pith inspect`: what it says about a town, from the living memory and from a dump of it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from pith import UserError
from pith.kernel import cspace, state
from pith.kernel.objects import Thread, ThreadSlot
from pith.kernel.riscv64.window import IMAGE_OFFSET, WINDOW_BASE
from pith.lab.inspect import show
from pith.lab.inspect.capabilities import by_container
from pith.lab.inspect.communication import Edge, communication, communication_graph, held_by
from pith.lab.inspect.core_file import MEMORY_AT, headers
from pith.lab.inspect.derivation import forest
from pith.lab.inspect.drawing import Drawing
from pith.lab.inspect.dump import attach_dump, living_symbols
from pith.lab.inspect.graphs import GRAPHS, TIME_LEGEND, derivation_graph, time_graph
from pith.lab.inspect.page import page
from pith.lab.inspect.report import Table, Tree
from pith.lab.inspect.subjects import reports
from pith.metal import memory
from pith.verify.census import take_census
from pith.verify.check import check_all
from pith.verify.naming import name_of, place
from tests.cli.conftest import Pith
from tests.cli.conftest import pith as run_pith  # noqa: F401  (a fixture)
from tests.verify.conftest import Town, bare_world, town  # noqa: F401  (fixtures)

# ruff: noqa: F811  (fixtures are asked for by name)


def tables(what: str) -> dict[str, Table]:
    (report,) = reports(what)
    return {part.title: part for part in report.parts if isinstance(part, Table)}


def labels(tree: Tree) -> list[str]:
    return [tree.label, *(label for child in tree.children for label in labels(child))]


def test_threads(town: Town) -> None:
    (table,) = tables("threads").values()
    rows = {row[0]: row for row in table.rows}
    at = f"{town.world.physical(town.mailbox):#x}"
    assert rows["sender"][2:5] == ("blocked on send", "60 (≤ 0)", "0")
    assert rows["sender"][6] == f"endpoint at {at}"
    assert rows["late"][2] == "running, out of budget"
    assert [name for name in rows if name.startswith("▶")] == [f"▶ {town.world.physical(town.runner):#x}"]
    assert "idle" in rows


def test_capability_spaces(town: Town) -> None:
    (report,) = reports("caps")
    (tree,) = report.parts
    assert isinstance(tree, Tree)
    (root,) = tree.children
    assert root.label.startswith("CSpace root: CNode at ") and len(root.children) == town.used
    assert root.children[1].label.endswith("(shown above)")  # the CNode that holds itself ends the walk
    at = f"{town.world.physical(town.endpoint):#x}"
    assert f"5: endpoint at {at}: send, badge 0x7" in labels(tree)


def test_runs_of_like_capabilities_are_one_line(town: Town) -> None:
    for _ in range(6):
        town.keep(town.world.frame())
    (report,) = reports("caps")
    (tree,) = report.parts
    assert isinstance(tree, Tree)
    (line,) = [label for label in labels(tree) if "×" in label]
    assert re.fullmatch(r"31 to 36: 6 × frame at 0x\w+: 4K, read, write … 0x\w+", line)


def test_derivation_is_a_tree(town: Town) -> None:
    trees = forest(take_census())
    untyped = next(tree for tree in trees if tree.label.startswith("untyped"))
    endpoint = next(
        t for t in untyped.children if t.label.endswith(f"{town.world.physical(town.root.cnode):#x}[4]")
    )
    (badged,) = endpoint.children
    (copy,) = badged.children
    assert "badge 0x7" in badged.label and "badge 0x7" in copy.label and not copy.children


def test_address_spaces_merge_pages(town: Town) -> None:
    base = town.frame.base
    leaf = town.leaves.entries[0]
    town.leaves.entries[1] = leaf._replace(frame=(base >> 12) + 1)
    town.leaves.entries[2] = leaf._replace(frame=(base >> 12) + 2, write=0)
    (table,) = tables("spaces").values()
    assert table.title == f"space 5, root at {town.world.physical(town.space):#x}, of nobody"
    assert table.rows == [
        ("0x200000", "0x202000", "8 KiB", "rw-", f"{base:#x}", "2 × 4K"),
        ("0x202000", "0x203000", "4 KiB", "r--", f"{base + 0x2000:#x}", "1 × 4K"),
    ]


def test_queues(town: Town) -> None:
    shown = tables("queues")
    assert [row[1:] for row in shown["Endpoints"].rows] == [
        ("receivers wait", "receiver"),
        ("senders wait", "sender sends, second sends"),
    ]
    assert shown["Notifications"].rows[0][1:] == ("waiting", "0x0", "", "waiter")
    assert shown["Reply objects"].rows[0][1] == "caller"


def test_time(town: Town) -> None:
    shown = tables("time")
    rows = {row[1]: row for row in shown["Scheduling contexts"].rows}
    assert rows["callee, lent by caller"][2:4] == ("600 µs", "10,000 µs")
    assert rows["sleeper"][6] == "300 µs in 4,000 µs"
    assert shown["Scheduler's queues"].rows == [
        ("ready, domain 0, current", "70", "callee"),
        ("ready, domain 0, current", "20", "ready"),
        ("out of budget", "", "sleeper, late"),
    ]


def test_what_is_corrupt_is_said_and_the_rest_shown(town: Town) -> None:
    town.world.put(town.waiter.slots[ThreadSlot.CSPACE], town.root)
    memory.view_u8[town.waiter.address - memory.base + Thread.layout().fields["state"].offset] = 99
    (table, unreadable) = reports("threads")
    assert isinstance(table.parts[0], Table) and isinstance(unreadable.parts[0], Table)
    assert ("unreadable: 99 is not a valid ThreadState") in {row[2] for row in table.parts[0].rows}
    assert unreadable.parts[0].rows[0][0].startswith('thread "waiter"')
    assert "unreadable: 99 is not a valid ThreadState" in communication_graph(take_census()).svg()


def test_derivation_names_the_slots_of_threads(town: Town) -> None:
    held = [label.partition("  ← ")[2] for tree in forest(take_census()) for label in labels(tree)]
    assert f"CSpace root of {name_of(town.runner)}" in held


def test_who_may_speak_and_who_does(town: Town) -> None:
    census = take_census()
    edges = set(communication(census))
    assert Edge(town.runner, town.endpoint, "may-both") in edges
    assert Edge(town.receiver, town.endpoint, "receives") in edges
    assert Edge(town.caller, town.reply, "awaits-answer") in edges
    assert Edge(town.receiver, town.endpoint, "may-receive") not in edges  # it has no CSpace
    assert len(list(held_by(town.runner, by_container(census)))) == town.used


def test_rights_that_are_used_are_drawn_once(town: Town) -> None:
    town.world.put(town.receiver.slots[ThreadSlot.CSPACE], town.root)
    verbs = {
        e.verb for e in communication(take_census()) if (e.speaker, e.item) == (town.receiver, town.endpoint)
    }
    assert verbs == {"receives", "may-both"}


def test_an_endpoint_goes_by_who_receives_there(town: Town) -> None:
    drawn = communication_graph(take_census()).svg()
    assert f"endpoint of receiver {place(town.endpoint.address)}" in drawn


def test_an_interrupt_signals(town: Town) -> None:
    slot = state.interrupts.slots[10]
    cspace.insert(town.notification_slot.cap, town.notification_slot, slot)
    assert Edge(10, town.notification, "may-send") in set(communication(take_census()))
    assert "interrupt 10" in communication_graph(take_census()).svg()


def boxes(drawing: Drawing) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each."""
    numbers = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawing.svg())
    return [(x, y, x + w, y + h) for x, y, w, h in (map(float, row) for row in numbers)]


@pytest.mark.parametrize("subject", GRAPHS)
def test_a_drawing_is_whole_and_nothing_overlaps(town: Town, subject: str) -> None:
    drawing = GRAPHS[subject](take_census())
    root = ElementTree.fromstring(drawing.document().encode())
    assert "var(" not in drawing.document()  # not every viewer knows variables
    places = boxes(drawing)
    assert places
    for index, (left, top, right, bottom) in enumerate(places):
        assert right <= float(root.get("width", "")) and bottom <= float(root.get("height", ""))
        for x1, y1, x2, y2 in places[index + 1 :]:
            assert right <= x1 or x2 <= left or bottom <= y1 or y2 <= top


def test_each_line_has_a_place_of_its_own(town: Town) -> None:
    curves = re.findall(r'd="M(\d+) (\d+) C.* (\d+) (\d+)"', communication_graph(take_census()).svg())
    legend, graph = curves[:7], curves[7:]
    assert len(legend) == 7 and len(graph) == len(set(communication(take_census())))
    assert len({(x, y) for x, y, _, _ in graph}) == len({(x, y) for _, _, x, y in graph}) == len(graph)


def test_refills_stand_on_a_scale(town: Town) -> None:
    text = time_graph(take_census()).svg()
    assert "<title>300 µs, from 4,000 µs on</title>" in text  # the sleeper's
    assert "callee, lent by caller: 600 µs in 10,000 µs" in text and ">now</text>" in text
    assert all(words in text for words in TIME_LEGEND)


def test_the_page_is_well_formed_and_whole(town: Town) -> None:
    text = page(reports(), take_census(), "Inside <a> town")
    root = ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    assert len(root.findall(".//{http://www.w3.org/2000/svg}svg")) == 3
    anchors = {link.get("href", "")[1:] for link in root.iter("a")}
    assert anchors == {heading.get("id") for heading in root.iter("h2")}
    assert len(boxes(derivation_graph(take_census()))) == town.used + 1


# Dumps ----------------------------------------------------------------------------------------------------


def dump_into(directory: Path) -> tuple[Path, Path]:
    """The attached memory in a file, and an ELF of the kernel that ran there."""
    dump = directory / "town.dump"
    dump.write_bytes(bytes(memory.view_u8))
    kernel = directory / "kernel.elf"
    kernel.write_bytes(headers(0, living_symbols()))
    return dump, kernel


@pytest.fixture
def dumped(town: Town, tmp_path: Path) -> tuple[Path, Path]:
    return dump_into(tmp_path)


def test_a_dump_shows_what_the_memory_showed(dumped: tuple[Path, Path]) -> None:
    living = reports()
    attach_dump(*dumped)
    assert reports() == living


def test_a_core_file_tells_all_by_itself(town: Town, tmp_path: Path) -> None:
    living = reports()
    core = tmp_path / "town.core"
    core.write_bytes(headers(memory.size, living_symbols()) + bytes(memory.view_u8))
    attach_dump(core)
    assert reports() == living


def test_a_core_file_that_is_cut_off(town: Town, tmp_path: Path) -> None:
    core = tmp_path / "town.core"
    core.write_bytes(headers(memory.size, living_symbols()))
    assert core.stat().st_size == MEMORY_AT
    with pytest.raises(UserError, match="is cut short: memory is missing"):
        attach_dump(core)


def test_a_program_is_no_dump(dumped: tuple[Path, Path], tmp_path: Path) -> None:
    program = tmp_path / "program.elf"
    content = bytearray(dumped[1].read_bytes())
    content[16] = 2  # an executable
    program.write_bytes(content)
    with pytest.raises(UserError, match="is a program, not a dump of memory"):
        attach_dump(program)


def test_references_into_the_kernels_image_are_followed(town: Town, tmp_path: Path) -> None:
    """On the metal a neighbour in the derivation order names an interrupt's slot by its place in the image."""
    slot = state.interrupts.slots[10]
    cspace.insert(town.notification_slot.cap, town.notification_slot, slot)
    following = slot.link.next
    assert following is not None
    living = reports()
    image_address = slot.address - WINDOW_BASE + IMAGE_OFFSET
    memory.view_u64[(following.address + 16 - memory.base) >> 3] = image_address
    memory.view_u64[(town.notification_slot.address + 24 - memory.base) >> 3] += image_address - slot.address
    attach_dump(*dump_into(tmp_path))
    assert reports() == living
    assert check_all() == []


def test_looking_leaves_the_dump_alone(dumped: tuple[Path, Path]) -> None:
    before = dumped[0].read_bytes()
    attach_dump(*dumped)
    state.kernel.now = 7
    assert dumped[0].read_bytes() == before


def test_the_command(dumped: tuple[Path, Path], run_pith: Pith, tmp_path: Path) -> None:
    dump, kernel = dumped
    shown = run_pith("inspect", dump, "queues", "--kernel", kernel, "--check")
    assert shown.code == 0
    assert "sender sends, second sends" in shown.out and "Scheduling contexts" not in shown.out
    assert re.search(r"^\d+ invariants, 0 violations$", shown.out, re.MULTILINE)
    written = run_pith("inspect", dump, "--kernel", kernel, "--html", tmp_path / "town.html")
    assert written.code == 0
    assert "Inside town.dump" in (tmp_path / "town.html").read_text()
    drawn = run_pith("inspect", dump, "queues", "--kernel", kernel, "--svg", tmp_path / "town.svg")
    assert (
        drawn.out.startswith(f"{tmp_path / 'town.svg'}: ") and "<svg" in (tmp_path / "town.svg").read_text()
    )
    nowhere = run_pith("inspect", dump, "time", "--kernel", kernel, "--svg", tmp_path / "no" / "where")
    assert nowhere.code == 1 and "name a file that can be written" in nowhere.err
    of_all = run_pith("inspect", dump, "--kernel", kernel, "--svg", "all.svg")
    assert of_all.code == 2 and of_all.err.startswith(
        "pith: a drawing shows one subject\n  try: pith inspect "
    )


def test_violations_are_listed_and_counted(town: Town, dumped: tuple[Path, Path], run_pith: Pith) -> None:
    dump, kernel = dumped
    content = bytearray(dump.read_bytes())
    content[town.waiter.address - memory.base + Thread.layout().fields["domain"].offset] = 77
    dump.write_bytes(content)
    shown = run_pith("inspect", dump, "time", "--kernel", kernel, "--check")
    assert shown.code == 1
    assert (
        'thread "waiter"' in shown.out and "found domain 77, expected below 16 [domains_exist]" in shown.out
    )
    assert ", 1 violations" in shown.out


@pytest.mark.parametrize("missing", ["dump", "kernel"])
def test_files_that_are_not_there(dumped: tuple[Path, Path], run_pith: Pith, missing: str) -> None:
    dump, kernel = dumped
    (dump if missing == "dump" else kernel).unlink()
    ended = run_pith("inspect", dump, "--kernel", kernel)
    assert ended.code == 1 and "No such file or directory" in ended.err


def test_a_kernel_is_asked_for(dumped: tuple[Path, Path], run_pith: Pith) -> None:
    ended = run_pith("inspect", dumped[0])
    assert ended.err == (
        f"pith: {dumped[0]} is not what `pith boot --dump` writes, and bare memory does not say which kernel's it is\n"
        f"  try: if it is memory from 0x80000000 on: pith inspect {dumped[0]} --kernel ELF\n"
    )


def test_a_stripped_kernel(dumped: tuple[Path, Path], tmp_path: Path) -> None:
    kernel = tmp_path / "stripped.elf"
    kernel.write_bytes(headers(0, {}))
    with pytest.raises(UserError, match=r"has no symbol `pith\.kernel\."):
        attach_dump(dumped[0], kernel)


def test_a_kernel_that_is_no_elf(dumped: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no ELF file"):
        attach_dump(dumped[0], dumped[0])


def test_a_program_for_another_machine_is_no_kernel(dumped: tuple[Path, Path], tmp_path: Path) -> None:
    other = bytearray(headers(0, {}))
    other[18] = 62  # e_machine
    (tmp_path / "other.elf").write_bytes(other)
    with pytest.raises(UserError, match=r"other\.elf is for x64, not for riscv64"):
        attach_dump(dumped[0], tmp_path / "other.elf")


def test_an_output_over_the_dump_is_refused(dumped: tuple[Path, Path], run_pith: Pith) -> None:
    dump, kernel = dumped
    before = dump.stat().st_size
    for output in (["--html", dump], ["queues", "--svg", dump]):
        refused = run_pith("inspect", dump, *output, "--kernel", kernel)
        assert refused.code == 2 and "is read, and would be lost" in refused.err
    assert dump.stat().st_size == before


def test_a_page_of_one_subject_is_refused(dumped: tuple[Path, Path], run_pith: Pith, tmp_path: Path) -> None:
    refused = run_pith("inspect", dumped[0], "queues", "--html", tmp_path / "page.html")
    assert refused.code == 2 and "a page shows all subjects" in refused.err


def test_a_dump_that_is_too_short(dumped: tuple[Path, Path], tmp_path: Path) -> None:
    short = tmp_path / "short.dump"
    short.write_bytes(dumped[0].read_bytes()[: 1 << 20])
    with pytest.raises(UserError, match=r"which short\.dump does not reach"):
        attach_dump(short, dumped[1])
    short.write_bytes(b"")
    with pytest.raises(UserError, match="too short for a machine's memory"):
        attach_dump(short, dumped[1])


def test_a_dump_in_which_no_kernel_started(dumped: tuple[Path, Path], tmp_path: Path) -> None:
    blank = tmp_path / "blank.dump"
    blank.write_bytes(bytes(16 << 20))
    with pytest.raises(UserError, match=r"no kernel has started in blank\.dump"):
        attach_dump(blank, dumped[1])


def test_showing_from_a_debugger(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    show("queues")
    assert "receivers wait" in capsys.readouterr().out
    with pytest.raises(UserError, match="nothing to inspect under `thread`"):
        show("thread")
