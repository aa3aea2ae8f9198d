"""Small pieces of assembly as bytes, such as the loader: assembled by clang, kept for the next time."""

from __future__ import annotations

import hashlib

from elftools.elf.elffile import ELFFile

from pith.metal.compiler import cache
from pith.metal.compiler.link import USER, assemble


def machine_code(text: str) -> bytes:
    """The instructions of an assembly text that refers to nothing outside itself.

    Raises pith.metal.compiler.zig.ToolError where clang refuses it.
    """
    text = f".option norelax\n{text}"  # the linker would make it shorter, and there is none
    key = "assembly." + hashlib.sha256(text.encode()).hexdigest()[:32]
    directory, _ = cache.kept(key, lambda fresh: assemble(text, fresh / "text.o", USER))
    with open(directory / "text.o", "rb") as stream:
        elf = ELFFile(stream)
        section = elf.get_section_by_name(".text")
        assert section is not None  # clang always writes one
        if elf.get_section_by_name(".rela.text") is not None:
            raise ValueError("the text refers to symbols that only a linker could place")
        return bytes(section.data())
