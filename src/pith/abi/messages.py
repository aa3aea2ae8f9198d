"""Messages: the info word, rights, CNode data and the IPC buffer (manual, "IPC"; libsel4 `shared_types`)."""

from __future__ import annotations

from typing import Final

from pith.metal import Array, Packed, Struct, array, bits, u2, u3, u6, u7, u52, u58, u64

MESSAGE_REGISTERS: Final = 4  # message words that travel in registers (a2-a5)
MESSAGE_MAX_LENGTH: Final = 120
MESSAGE_MAX_CAPS: Final = 3


class MessageInfo(Packed, bits=64):
    """The word that describes a message."""

    length: u7 = 0
    extra_caps: u2 = 0
    caps_unwrapped: u3 = 0
    label: u52 = 0


class CapRights(Packed, bits=64):
    """The rights argument of Mint, Copy and page mapping."""

    can_write: bool
    can_read: bool
    can_grant: bool
    can_grant_reply: bool


class CNodeData(Packed, bits=64):
    """The `badge` argument of Mint and Mutate, for a CNode capability."""

    guard_size: u6
    guard: u58 = bits(at=6)


class IPCBuffer(Struct, size=1024):
    """The 1 KiB that a thread and the kernel exchange long messages through."""

    tag: MessageInfo
    words: Array[u64] = array(MESSAGE_MAX_LENGTH)
    user_data: u64
    caps_or_badges: Array[u64] = array(MESSAGE_MAX_CAPS)
    receive_cnode: u64
    receive_index: u64
    receive_depth: u64
