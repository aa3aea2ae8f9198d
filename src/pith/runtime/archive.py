"""Programs in the initial thread's own image.

The build (system/archive.py) puts the components' ELF files into a section of the initial thread, after a
small directory. Here it is read back.

    magic, count
    entries: name (24 bytes, padded with zeros), offset from the magic, length
    the files, each at a multiple of 4096
"""

from __future__ import annotations

from typing import Final

from pith.metal import Array, Failure, Struct, array, machine, u8, u64

MAGIC: Final = 0x6576_6968_6372_6170  # "parchive", lowest byte first
NAME_BYTES: Final = 24


class Directory(Struct, size=16):
    magic: u64
    count: u64


class Entry(Struct, size=40):
    name: Array[u8] = array(NAME_BYTES)
    offset: u64
    length: u64


class NotInArchive(Failure):
    """The image has no program of this name."""


def program(name: str) -> Array[u8]:
    """The program called `name` in our own image: `pith run FIRST OTHERS` puts each of the others there.

    Its name is that of its file, without the suffix. Raises NotInArchive.
    """
    return find(machine.static_address("pith_archive"), name)


def find(archive: u64, name: str) -> Array[u8]:
    """The file called `name` in the archive at this address. Raises NotInArchive."""
    directory = Directory.at(archive)
    if directory.magic == MAGIC:
        for i in range(directory.count):
            entry = Entry.at(archive + 16 + i * 40)
            if is_called(entry, name):
                return Array[u8].at(archive + entry.offset, entry.length)
    raise NotInArchive()


def is_called(entry: Entry, name: str) -> bool:
    """Whether the entry's name is `name`."""
    if len(name) >= NAME_BYTES:
        return False
    for i in range(len(name)):
        if entry.name[i] != ord(name[i]):
            return False
    return entry.name[len(name)] == 0
