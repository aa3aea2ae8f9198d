"""The two functions that the emulated processor calls while user code runs, as machine code of the host.

Before each instruction, `count` adds one to the counter, or stops when the counter has reached the limit: this makes time exact
and the same in every run. On an exception, `trap` notes its number and stops. A Python function here would take a microsecond
per instruction; these take a nanosecond, which is why they are written in LLVM's language.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

NO_EXCEPTION: Final = (1 << 64) - 1


class Counters(ctypes.Structure):
    """What the functions share with Python: instructions since power-on, where to stop, and why it stopped."""

    count: int
    limit: int
    exception: int
    _fields_ = (("count", ctypes.c_uint64), ("limit", ctypes.c_uint64), ("exception", ctypes.c_uint64))


SOURCE: Final = """
define void @count(ptr %emulator, i64 %address, i32 %size, ptr %counters) {{
  %count = load i64, ptr %counters
  %limit.at = getelementptr i64, ptr %counters, i64 1
  %limit = load i64, ptr %limit.at
  %reached = icmp uge i64 %count, %limit
  br i1 %reached, label %stop, label %go
go:
  %next = add i64 %count, 1
  store i64 %next, ptr %counters
  ret void
stop:
  call i32 inttoptr (i64 {stop} to ptr)(ptr %emulator)
  ret void
}}

define void @trap(ptr %emulator, i32 %number, ptr %counters) {{
  %exception.at = getelementptr i64, ptr %counters, i64 2
  %exception = zext i32 %number to i64
  store i64 %exception, ptr %exception.at
  call i32 inttoptr (i64 {stop} to ptr)(ptr %emulator)
  ret void
}}
"""


@cache
def _engine(stop: int) -> Any:
    """The compiled functions; `stop` is the address of the emulator's own function that stops it."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(opt=2)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(SOURCE.format(stop=stop)), target)
    engine.finalize_object()
    return engine


def count_function(stop: int) -> int:
    """The host address of `count`."""
    return int(_engine(stop).get_function_address("count"))


def trap_function(stop: int) -> int:
    """The host address of `trap`."""
    return int(_engine(stop).get_function_address("trap"))
