"""ELF images for tests, made by hand from the format's definition, so that each field can be made wrong."""

import struct
from dataclasses import dataclass, replace

READ, WRITE, EXECUTE = 4, 2, 1


@dataclass(frozen=True)
class Segment:
    address: int
    data: bytes = b""
    memory: int | None = None
    flags: int = READ
    type: int = 1
    offset: int | None = None
    file_size: int | None = None


CODE = Segment(0x10000, b"\x13\x00\x00\x00" * 300, flags=READ | EXECUTE)
DATA = Segment(0x12010, b"data" * 5, memory=9000, flags=READ | WRITE)


@dataclass(frozen=True)
class Image:
    segments: tuple[Segment, ...] = (CODE, DATA)
    entry: int = 0x10000
    magic: bytes = b"\x7fELF"
    file_class: int = 2
    byte_order: int = 1
    file_type: int = 2
    machine: int = 243
    segment_size: int = 56
    segment_table: int = 64
    count: int | None = None

    def bytes(self) -> bytes:
        count = len(self.segments) if self.count is None else self.count
        ident = self.magic + bytes([self.file_class, self.byte_order, 1, 0]) + bytes(8)
        fields = (self.file_type, self.machine, 1, self.entry, self.segment_table, 0, 0, 64)
        head = (
            ident
            + struct.pack("<HHIQQQIH", *fields)
            + struct.pack("<HHHHH", self.segment_size, count, 0, 0, 0)
        )
        table, body = b"", b""
        start = 64 + 56 * len(self.segments)
        for s in self.segments:
            offset = start + len(body) if s.offset is None else s.offset
            size = len(s.data) if s.file_size is None else s.file_size
            memory = len(s.data) if s.memory is None else s.memory
            table += struct.pack(
                "<IIQQQQQQ", s.type, s.flags, offset, s.address, s.address, size, memory, 4096
            )
            body += s.data
        return head + table + body

    def but(self, **changes: object) -> "Image":
        return replace(self, **changes)  # type: ignore[arg-type]
