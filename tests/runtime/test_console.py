"""Printing: numbers, columns, and the three places that text can go to."""

import pytest

from pith.abi.syscalls import DebugCall
from pith.runtime import console
from tests.runtime.conftest import RecordingProcessor


def printed(processor: RecordingProcessor) -> str:
    """What went to the debug kernel's console."""
    assert all(trap.number == DebugCall.PUT_CHAR for trap in processor.traps)
    return bytes(trap.cap for trap in processor.traps).decode()


@pytest.mark.parametrize(
    ("value", "base", "width", "prefix", "text"),
    [
        (0, 10, 0, False, "0"),
        (1234567890, 10, 0, False, "1234567890"),
        (2**64 - 1, 16, 0, True, "0xffffffffffffffff"),
        (255, 16, 4, False, "00ff"),
        (7, 10, 3, False, "007"),
        (0xABC, 16, 0, True, "0xabc"),
    ],
)
def test_numbers(
    value: int, base: int, width: int, prefix: bool, text: str, processor: RecordingProcessor
) -> None:
    console.put_number(value, base, width, prefix)
    assert printed(processor) == text


def test_columns_align_whatever_stands_before(processor: RecordingProcessor) -> None:
    for name in ("a", "\x1b[32mgreen\x1b[0m", "much too long"):
        console.write(name)
        console.column(8)
        console.write("|\n")
    lines = printed(processor).splitlines()
    assert lines == ["a       |", "\x1b[32mgreen\x1b[0m   |", "much too long |"]


def test_right_aligned_numbers(processor: RecordingProcessor) -> None:
    for value in (0, 9, 10, 12345678):
        console.right(value, 5)
        console.write("\n")
    assert printed(processor) == "    0\n    9\n   10\n12345678\n"


def server_text(processor: RecordingProcessor) -> bytes:
    """What a console server was sent: word 0 counts the bytes, which follow."""
    text = b""
    for trap in processor.traps:
        assert (trap.cap, trap.info.label) == (42, console.ConsoleCall.WRITE)
        data = b"".join(word.to_bytes(8, "little") for word in trap.words[1 : trap.info.length])
        assert len(data) - 8 < trap.words[0] <= len(data)
        text += data[: trap.words[0]]
    return text


def test_a_server_gets_one_message_a_line(processor: RecordingProcessor) -> None:
    console.use_server(42)
    console.write("first line\nsecond")
    assert [t.words[0] for t in processor.traps] == [11]
    console.flush()
    assert server_text(processor) == b"first line\nsecond"


def test_what_was_kept_comes_first(processor: RecordingProcessor) -> None:
    console.keep()
    console.write("early\n")
    assert processor.traps == []
    console.use_server(42)
    console.write("late\n")
    assert server_text(processor) == b"early\nlate\n"


def test_a_line_longer_than_a_message_is_cut_not_lost(processor: RecordingProcessor) -> None:
    text = "".join(chr(ord("a") + i % 26) for i in range(3000))
    console.use_server(42)
    console.write(text + "\n")
    assert server_text(processor) == text.encode() + b"\n"
    assert max(t.info.length for t in processor.traps) <= 120


def test_a_full_note_loses_the_rest_and_nothing_else(processor: RecordingProcessor) -> None:
    console.keep()
    for _ in range(console.KEPT_BYTES // 10 + 5):
        console.write("123456789\n")
    console.use_server(42)
    assert server_text(processor) == (b"123456789\n" * 1000)[: console.KEPT_BYTES]


def test_last_words_spill_what_was_kept(processor: RecordingProcessor) -> None:
    console.keep()
    console.write("kept")
    console.spill()
    console.write(", and more")
    assert printed(processor) == "kept, and more"
