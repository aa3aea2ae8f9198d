"""Arguments that several commands take: sizes as people write them, and files that must be there."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from pith import UserError
from pith.cli.errors import UsageError

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def parse_size(text: str) -> int:
    """The number of bytes. K, M and G are powers of 1024, as in QEMU; an `iB` or `B` behind them is welcome."""
    match = re.fullmatch(r"([0-9]{1,18})\s*([KMG]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not match:
        raise UsageError(f"`{text}` is not a size", "write a number with K, M or G, such as 128M")
    return int(match[1]) * UNITS[match[2].upper()]


def check_readable(file: Path, wanted: str) -> None:
    """Refuse a file that cannot be read, before anything slow is begun."""
    try:
        with open(file, "rb"):
            return
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}", f"name {wanted}") from None


def check_writable(file: Path) -> None:
    """Refuse a file that could not be written later, before anything slow is begun; it is left as it is."""
    if file.is_dir():
        why = "it is a directory"
    elif not file.parent.is_dir():
        why = f"there is no directory {file.parent}"
    elif not os.access(file if file.exists() else file.parent, os.W_OK):
        why = "it may not be written"
    else:
        return
    raise UserError(f"{file}: {why}", "name a file that can be written")


def check_apart(output: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write over what is read."""
    for file in inputs:
        if output.exists() and file.exists() and output.samefile(file):
            raise UsageError(f"{output} is read, and would be lost", "name another file to write")
