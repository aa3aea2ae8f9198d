"""The laboratory: looking into a stopped system, and measuring."""

from pathlib import Path


def gdb_commands_file() -> Path:
    """The file that gdb has to source; it can't be imported outside gdb."""
    return Path(__file__).parent / "gdb_commands.py"
