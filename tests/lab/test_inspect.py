"""`pith inspect`: what it says about a town, from the living memory and from a dump of it."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from pith import UserError
from pith.kernel import cspace, state
from pith.kernel.objects import Thread
from pith.kernel.riscv64.window import IMAGE_OFFSET, WINDOW_BASE
from pith.lab.inspect import show
from pith.lab.inspect.capabilities import by_container
from pith.lab.inspect.derivation import forest
from pith.lab.inspect.dump import STATICS, attach_dump
from pith.lab.inspect.graphs import communication, derivation_graph, held_by
from pith.lab.inspect.page import page
from pith.lab.inspect.report import Table, Tree
from pith.lab.inspect.subjects import reports
from pith.metal import memory
from pith.verify.census import take_census
from pith.verify.check import check_all
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
    assert root.label.startswith("cspace: CNode at ") and len(root.children) == town.used
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
    memory.view_u8[town.waiter.address - memory.base + Thread.layout().fields["state"].offset] = 99
    (table, unreadable) = reports("threads")
    assert isinstance(table.parts[0], Table) and isinstance(unreadable.parts[0], Table)
    assert ("unreadable: 99 is not a valid ThreadState") in {row[2] for row in table.parts[0].rows}
    assert unreadable.parts[0].rows[0][0].startswith('thread "waiter"')


def test_who_may_speak_and_who_does(town: Town) -> None:
    census = take_census()
    edges = {(edge.thread, edge.item, edge.verb) for edge in communication(census)}
    assert (town.runner, town.endpoint, "may-send") in edges
    assert (town.receiver, town.endpoint, "receives") in edges
    assert (town.caller, town.reply, "awaits-answer") in edges
    assert (town.receiver, town.endpoint, "may-receive") not in edges  # it has no CSpace
    assert len(list(held_by(town.runner, by_container(census)))) == town.used


def test_the_page_is_well_formed_and_whole(town: Town) -> None:
    text = page(reports(), take_census(), "Inside <a> town")
    root = ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    assert len(root.findall(".//{http://www.w3.org/2000/svg}svg")) == 2
    anchors = {link.get("href", "")[1:] for link in root.iter("a")}
    assert anchors == {heading.get("id") for heading in root.iter("h2")}
    assert len(derivation_graph(take_census()).boxes) == town.used + 1


# Dumps ----------------------------------------------------------------------------------------------------


def write_elf(path: Path, symbols: dict[str, int]) -> Path:
    """An ELF with nothing but a symbol table."""
    strings, entries = b"\0", struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    for name, address in symbols.items():
        entries += struct.pack("<IBBHQQ", len(strings), 0x11, 0, 1, address, 8)
        strings += name.encode() + b"\0"
    names = b"\0.strtab\0.symtab\0"
    start = 64
    sections = struct.pack("<IIQQQQIIQQ", *[0] * 10)
    for name, kind, content, link, size in (
        (1, 3, strings, 0, 0),
        (9, 2, entries, 1, 24),
        (1, 3, names, 0, 0),
    ):
        sections += struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, start, len(content), link, 1, 8, size)
        start += len(content)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, 0, 0, start, 0, 64, 0, 0, 64, 4, 3)
    path.write_bytes(header + strings + entries + names + sections)
    return path


def dump_into(directory: Path) -> tuple[Path, Path]:
    """The attached memory in a file, and an ELF of the kernel that ran there."""
    dump = directory / "town.dump"
    dump.write_bytes(bytes(memory.view_u8))
    symbols = {name: static.address - WINDOW_BASE + IMAGE_OFFSET for name, static in STATICS.items()}
    return dump, write_elf(directory / "kernel.elf", symbols)


@pytest.fixture
def dumped(town: Town, tmp_path: Path) -> tuple[Path, Path]:
    return dump_into(tmp_path)


def test_a_dump_shows_what_the_memory_showed(dumped: tuple[Path, Path]) -> None:
    living = reports()
    attach_dump(*dumped)
    assert reports() == living


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
        f"pith: which kernel's memory is it?\n  try: pith inspect {dumped[0]} --kernel build/kernel.elf\n"
    )


def test_a_stripped_kernel(dumped: tuple[Path, Path], tmp_path: Path) -> None:
    kernel = write_elf(tmp_path / "stripped.elf", {})
    with pytest.raises(UserError, match=r"has no symbol `pith\.kernel\.state\.interrupts`"):
        attach_dump(dumped[0], kernel)


def test_a_kernel_that_is_no_elf(dumped: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no ELF file"):
        attach_dump(dumped[0], dumped[0])


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
