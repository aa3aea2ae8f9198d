"""The benchmark's ELF, and a boot image of it with a kernel.

The same ELF serves every run. What a run is to do is written into variables of the program's before it is
packed into the image: which scenarios, whether to wait for a key before the first, whether threads may use floating point.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile

from pith.machine.image import BootImage
from pith.metal.compiler import cache
from pith.metal.compiler.link import USER, link
from pith.system import image
from pith.system.components import C_OPTIONS, C_START, INCLUDE, compile_c, linker_script

from .symbols import Symbols

SOURCES: Final = Path(__file__).parent / "program"
SELECTION, AWAITED = "selection", "awaited"  # variables in samples.c
FLOAT_DENIED: Final = "float_denied"  # in resources.c
ROOM_FOR_SELECTION: Final = 256


def build_program() -> Path:
    """The ELF of the benchmark."""
    inputs = [*sorted(SOURCES.iterdir()), *sorted(INCLUDE.iterdir())]
    digest = hashlib.sha256(repr((C_OPTIONS, linker_script(None), version("ziglang"))).encode())
    for file in inputs:
        digest.update(file.read_bytes())

    def make(directory: Path) -> None:
        sources = [C_START, *sorted(SOURCES.glob("*.c"))]
        objects = [directory / f"{source.stem}.o" for source in sources]
        with ThreadPoolExecutor(max_workers=2) as workers:
            list(workers.map(compile_c, sources, objects))
        link(objects, directory / "program.elf", linker_script(None), USER)

    return cache.kept(f"bench.{digest.hexdigest()[:32]}", make)[0] / "program.elf"


def build_image(
    kernel: Path,
    scenarios: list[str],
    directory: Path,
    *,
    awaited: bool = False,
    float_denied: bool = False,
) -> BootImage:
    """A boot image, in `directory`, of a kernel and the benchmark, which is to run these scenarios."""
    built = build_program()
    content = bytearray(built.read_bytes())
    selection = f" {' '.join(scenarios)} ".encode()
    if len(selection) >= ROOM_FOR_SELECTION:
        selection = b""  # all: too many to name are nearly all, and what was not asked for is not shown
    values = {SELECTION: selection, AWAITED: bytes([awaited]), FLOAT_DENIED: bytes([float_denied])}
    for name, value in values.items():
        at = file_offset(built, name)
        content[at : at + len(value)] = value
    program = directory / "bench.elf"
    program.write_bytes(content)
    return image.build(directory / "bench.img", program, kernel)


def file_offset(elf: Path, name: str) -> int:
    """Where the initial value of a variable stands in an ELF file."""
    with open(elf, "rb") as stream:
        file = ELFFile(stream)
        address = Symbols(elf).address_of(name)
        for segment in file.iter_segments("PT_LOAD"):
            start = segment["p_vaddr"]
            if start <= address < start + segment["p_filesz"]:
                return int(segment["p_offset"] + address - start)
    raise ValueError(f"{elf} holds no value for `{name}`")
