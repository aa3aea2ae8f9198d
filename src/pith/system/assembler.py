"""Small pieces of assembly as bytes, such as the loader: assembled by clang, kept for the next time."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from elftools.elf.elffile import ELFFile

from pith import cache_directory
from pith.metal.compiler.link import USER, assemble


def machine_code(text: str) -> bytes:
    """The instructions of an assembly text that refers to nothing outside itself.

    Raises pith.metal.compiler.link.ToolError where clang refuses it.
    """
    kept = cache_directory() / "assembly" / hashlib.sha256(text.encode()).hexdigest()
    if kept.exists():
        return kept.read_bytes()
    with tempfile.TemporaryDirectory(prefix="pith-") as directory:
        assembled = Path(directory) / "text.o"
        assemble(text, assembled, USER)
        code = _text_section(assembled)
        _keep(kept, code)
    return code


def _text_section(file: Path) -> bytes:
    with open(file, "rb") as stream:
        elf = ELFFile(stream)
        if elf.get_section_by_name(".rela.text") is not None:
            raise ValueError("the text refers to symbols that only a linker could place")
        text = elf.get_section_by_name(".text")
        assert text is not None  # clang always writes one
        return bytes(text.data())


def _keep(file: Path, code: bytes) -> None:
    """Write whole or not at all, for another process may read it now. Not to be able to is no fault."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as unfinished:
            unfinished.write(code)
        Path(unfinished.name).rename(file)
    except OSError:
        pass
