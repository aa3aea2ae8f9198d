"""The system calls by the names that the manual gives them."""

from __future__ import annotations

from pith.abi.syscalls import DebugCall, SystemCall


def spelled(name: str) -> str:
    """A call's name as the manual writes it: `ReplyRecv`, `NBSend`."""
    return "".join("NB" if part == "NB" else part.title() for part in name.split("_"))


def numbers_of_calls() -> dict[str, int]:
    """Every system call by name; the debug calls begin with `Debug`."""
    calls = {spelled(call.name): int(call) for call in SystemCall}
    return calls | {f"Debug{spelled(call.name)}": int(call) for call in DebugCall}
