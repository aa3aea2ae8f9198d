"""Every block of code in the book does what the page says: programs are compiled, commands run, excerpts compared.

    python                  a whole program, if something in it is exported; compiled
    diff title="FILE"       a change to that file: what it takes away and leaves stands there, in this order
    python title="FILE"     an excerpt: its pieces, between lines of `...`, stand in that file
    console                 each line after `$ ` is run, on the hosted machine, and prints what follows it; `...` is anything

A comment right before a block says what it takes, or why nothing is done with it; its parts end with `;`.

    <!-- given: memory: u64; from pith.runtime import tcb; -->   a piece of a function: of these, with these imports
    <!-- host: -->                                               Python of the host, where my-program.elf is
    <!-- not run: the reason -->
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from pith.metal.compiler.driver import exported_functions
from pith.metal.compiler.reader import import_file, read_program
from tests import arena

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = ("python", "console", "diff")
BLOCK = re.compile(
    r"(?:^<!-- (?P<way>given|host|not run):(?P<words>[^>]*?)-->\n\n?)?"
    r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PROGRAM = """
#include <pith.h>
void pith_main(const struct pith_bootinfo *info)
{
    (void)info;
    pith_print("ready\\n");
    pith_debug_halt();
}
"""


class Block(NamedTuple):
    page: str
    line: int
    language: str
    title: str | None
    way: str | None  # what the comment before it says is to be done
    words: str
    text: str


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        source = page.read_text()
        for match in BLOCK.finditer(source):
            line = source.count("\n", 0, match.start("text"))
            rest = (match[name] for name in ("language", "title", "way", "words", "text"))
            found.append(Block(page.name, line, *rest))  # type: ignore[arg-type]
    return [block for block in found if block.language in LANGUAGES]


def named(*, console: bool) -> list[object]:
    wanted = [b for b in blocks() if b.way != "not run" and (b.language == "console") is console]
    return [pytest.param(block, id=f"{block.page}:{block.line}") for block in wanted]


def test_there_are_blocks_and_those_that_nothing_is_done_with_say_why() -> None:
    assert len(blocks()) > 20
    assert all(len(b.words.split()) >= 3 for b in blocks() if b.way == "not run")


def test_every_fence_is_found() -> None:
    """None is spelled so that it would be passed over."""
    fences = sum(
        len(re.findall(r"^ *```(?:python|console|diff)", p.read_text(), re.MULTILINE)) for p in PAGES
    )
    assert len(blocks()) == fences


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory like the clone's, with a program to boot."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "program.c").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    arena.detach()
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("block", named(console=False))
def test_python(block: Block, place: Path) -> None:
    if block.language == "diff":
        applies_to(block.text, (ROOT / str(block.title)).read_text())
    elif block.title is not None:
        in_file(block.text, (ROOT / block.title).read_text())
    elif block.way == "host":
        run("pith build program.c -o my-program.elf", place)
        (place / "host.py").write_text(block.text)
        run(f"{sys.executable} host.py", place)
    else:
        compile_metal(block, place / f"{block.page.replace('.', '_').replace('-', '_')}_{block.line}.py")


def in_file(excerpt: str, source: str) -> None:
    for piece in re.split(r"^\s*\.\.\.\s*$", excerpt, flags=re.MULTILINE):
        assert piece.strip() and piece.strip("\n") in source


def applies_to(change: str, source: str) -> None:
    at = 0
    for line in change.splitlines():
        if not line.startswith("+") and line != "...":
            assert (at := source.find(f"{line[1:]}\n", at)) >= 0, line


def compile_metal(block: Block, file: Path) -> None:
    """Read it with all the compiler's checks; a piece of a function becomes one."""
    text = block.text
    if block.way == "given":
        given = [part.strip() for part in block.words.split(";") if part.strip()]
        module = [part for part in given if part.startswith(("from ", "import ")) or "=" in part]
        parameters = [part for part in given if part not in module]
        imports = [line for line in text.splitlines() if line.startswith(("from ", "import "))]
        body = [line for line in text.splitlines() if line not in imports] or ["pass"]
        head = ["from __future__ import annotations"]
        head += ["from pith.metal.integers import *", *imports, *module]
        function = [f"def piece({', '.join(parameters)}) -> None:", *(f"    {line}" for line in body)]
        text = "\n".join([*head, *function, ""])
    file.write_text(text)
    module_made = import_file(file)
    roots = [module_made.piece] if block.way == "given" else exported_functions(module_made)
    assert roots, "nothing in it is exported: a piece needs `given`"
    read_program(roots)


@pytest.mark.slow
@pytest.mark.parametrize("block", named(console=True))
def test_console(block: Block, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("pith build program.c -o my-program.elf", place)
    if "pith cache" in block.text:
        monkeypatch.setenv("PITH_CACHE", str(place / "cache"))
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        printed = run(command, place)
        wanted = ".*".join(map(re.escape, expected.rstrip("\n").split("...")))
        assert re.search(wanted, printed, re.DOTALL), (
            f"{command} does not print what the page says:\n{printed}"
        )


def run(command: str, place: Path) -> str:
    """Run a line as a shell would, with nobody at the keyboard; what it printed."""
    machine = "" if "--machine" in command else " --machine hosted"
    line = re.sub(r"\bpith (boot|run)\b", rf"pith \1{machine}", command)
    script = f"pith() {{ {sys.executable} -c 'from pith.cli.main import main; main()' \"$@\"; }}\n{line}\n"
    done = subprocess.run(
        ["bash", "-c", script],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=place, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return (done.stdout + done.stderr).replace("\r\n", "\n")


def test_drawings_are_text_or_files_that_need_no_network() -> None:
    """mkdocs-material would fetch the program that draws these from a server."""
    assert [page.name for page in PAGES if re.search(r"^```mermaid", page.read_text(), re.MULTILINE)] == []
