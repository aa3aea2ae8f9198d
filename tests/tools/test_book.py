"""The book tells the truth about what is where, and its first page about what is printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PATH = re.compile(r"\b((?:src|docs|examples|tools|tests)/[\w./-]*\w)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_that_are_named_exist(page: Path) -> None:
    named = set(PATH.findall(page.read_text()))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_folders_of_the_floors_exist() -> None:
    table = re.findall(r"^\| \d \| (.*?) \|", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    folders = re.findall(r"`(\w+)/`", " ".join(table))
    assert (
        len(folders) > 8 and [name for name in folders if not (ROOT / "src" / "pith" / name).is_dir()] == []
    )


@pytest.mark.parametrize("start", ["README.md", "docs/index.md"])
def test_every_page_is_named_on_the_first_one(start: str) -> None:
    text = (ROOT / start).read_text()
    pages = re.findall(r"^  - .*: ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert len(pages) > 8 and [page for page in pages if page not in ("index.md",) and page not in text] == []


@pytest.mark.slow
def test_the_first_program_prints_what_the_book_says() -> None:
    block = re.search(r"```text\n(.*?)```", (ROOT / "docs" / "first-change.md").read_text(), re.DOTALL)
    command = [
        sys.executable,
        "-c",
        "from pith.cli.main import main; main()",
        "run",
        "examples/two_threads.py",
    ]
    ended = subprocess.run(
        [*command, "--machine", "hosted"], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT
    )
    assert block and ended.stdout + ended.stderr == block[1]


def test_make_help_names_every_target_for_people() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    named = set(re.findall(r'@echo "make ([\w-]+)', text))
    internal = {
        "help",
        "ready",
        *(f"check-{part}" for part in ("format", "lint", "types", "floors", "tests")),
    }
    assert phony and set(phony[1].split()) - internal == named
