"""The three functions that the emulated processor calls while user code runs, as machine code of the host.

Before each instruction, `count` adds one to the counter, or stops when the counter has reached the limit: this makes time exact
and the same in every run. On an exception, `trap` notes its number and stops. At an address where an instruction reads a counter, `read_counter` stops too, for
the emulator would answer with the host's clock. A Python function here would take a microsecond
per instruction; these take a nanosecond, which is why they are written in LLVM's language.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

NO_EXCEPTION: Final = (1 << 64) - 1
COUNTER_READ: Final = 64  # no exception of the hardware has this number


class Counters(ctypes.Structure):
    """What the functions share with Python.

    Instructions since power-on, where to stop, and why it stopped; and an address where `read_counter` lets an
    instruction pass once, because it was found to be another one.
    """

    count: int
    limit: int
    exception: int
    passed: int
    _fields_ = (
        ("count", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("exception", ctypes.c_uint64),
        ("passed", ctypes.c_uint64),
    )


NOWHERE: Final = 1  # no instruction has this address
_engines: list[Any] = []  # keeps the code alive

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

define void @read_counter(ptr %emulator, i64 %address, i32 %size, ptr %counters) {{
  %passed.at = getelementptr i64, ptr %counters, i64 3
  %passed = load i64, ptr %passed.at
  %passes = icmp eq i64 %address, %passed
  store i64 {nowhere}, ptr %passed.at
  br i1 %passes, label %go, label %stop
go:
  ret void
stop:
  call void @trap(ptr %emulator, i32 {counter_read}, ptr %counters)
  ret void
}}
"""


@cache
def function_addresses(stop: int) -> dict[str, int]:
    """The host's addresses of the functions; `stop` is that of the emulator's own function that stops it."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(opt=2)
    source = SOURCE.format(stop=stop, counter_read=COUNTER_READ, nowhere=NOWHERE)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(source), target)
    engine.finalize_object()
    _engines.append(engine)
    return {name: engine.get_function_address(name) for name in ("count", "trap", "read_counter")}
