"""Invocations: asking a kernel object for an operation.

An invocation is a `call` on the object's capability. The label says which operation, the words and extra
capabilities are its arguments, and the answer's label is 0 or an error number. Each file named after an
object has one function for each of the object's operations, with the operation's arguments in the manual's
order; all of them end up here.
"""

from __future__ import annotations

from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.metal import Failure, inline, u2, u7, u64

from .capability import CPtr
from .process import ipc_buffer
from .syscalls import Message, call


class InvocationFailed(Failure):
    """The kernel refused `operation`: `code` is an `ErrorCode`, `detail` the first word that explains it."""

    operation: Label
    code: u64
    detail: u64


@inline
def invoke(
    target: CPtr,
    operation: Label,
    length: u7 = 0,
    word0: u64 = 0,
    word1: u64 = 0,
    word2: u64 = 0,
    word3: u64 = 0,
    caps: u2 = 0,
) -> Message:
    """Call `target` with `length` words; words beyond the four and the capabilities stand in the IPC buffer."""
    info = MessageInfo(length=length, extra_caps=caps, label=operation)
    answer = call(target, info, word0, word1, word2, word3)
    if answer.info.label != 0:
        raise InvocationFailed(operation, answer.info.label, answer.word0)
    return answer


def pass_cap(index: u2, cap: CPtr) -> None:
    """Send the capability `cap` along with the next message, as its extra capability number `index`."""
    ipc_buffer().caps_or_badges[index] = cap
