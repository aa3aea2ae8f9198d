"""The three functions that the emulated processor calls while user code runs, as machine code of the host.

Before each instruction, `count` adds one to the counter, or stops when the counter has reached the limit: this makes time exact
and the same in every run. On an exception, `trap` notes its number and stops. `read_counter` is called at each address where an
instruction that reads a counter was seen, for the emulator would answer with the host's clock. It does the instruction's
work itself, if Python has verified since the last fence that the instruction is there; else it stops, so that
Python can look. Functions in Python would take microseconds; these take nanoseconds, which is why they are
written in LLVM's language.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

NO_EXCEPTION: Final = (1 << 64) - 1
COUNTER_READ: Final = 64  # no exception of the hardware has this number


class Counters(ctypes.Structure):
    """What the functions share with Python."""

    count: int  # instructions since power-on
    limit: int  # where to stop
    exception: int  # why it stopped
    is_at_limit: int  # that was why
    passed: int  # an address where `read_counter` lets an instruction pass once, because it is another one
    generation: int  # of what the translations say: another one after each fence
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in ("count", "limit", "exception", "is_at_limit", "passed", "generation")
    )


class CounterReader(ctypes.Structure):
    """An instruction that reads a counter."""

    counters: int  # the address of the shared ones
    generation: int  # in which it was verified
    divisor: int  # from instructions to the counter's unit
    register: int  # that gets the value, by Unicorn's number
    value: int  # scratch
    next: int  # scratch: the next program counter
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("counters", "generation", "divisor", "register", "value", "next")
    )


# In `count` and `trap`, %counters is a Counters; in `read_counter`, %reader is a CounterReader.
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
  %is_at_limit.at = getelementptr i64, ptr %counters, i64 3
  store i64 1, ptr %is_at_limit.at
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

define void @read_counter(ptr %emulator, i64 %address, i32 %size, ptr %reader) {{
  %counters = load ptr, ptr %reader
  %is_at_limit.at = getelementptr i64, ptr %counters, i64 3
  %is_at_limit = load i64, ptr %is_at_limit.at
  %stands = icmp ne i64 %is_at_limit, 0
  br i1 %stands, label %done, label %runs
runs:
  %passed.at = getelementptr i64, ptr %counters, i64 4
  %passed = load i64, ptr %passed.at
  store i64 {nowhere}, ptr %passed.at
  %passes = icmp eq i64 %address, %passed
  br i1 %passes, label %done, label %check
check:
  %generation.at = getelementptr i64, ptr %counters, i64 5
  %generation = load i64, ptr %generation.at
  %verified.at = getelementptr i64, ptr %reader, i64 1
  %verified = load i64, ptr %verified.at
  %is_verified = icmp eq i64 %generation, %verified
  br i1 %is_verified, label %read, label %ask
read:
  %count = load i64, ptr %counters
  %divisor.at = getelementptr i64, ptr %reader, i64 2
  %divisor = load i64, ptr %divisor.at
  %value = udiv i64 %count, %divisor
  %value.at = getelementptr i64, ptr %reader, i64 4
  store i64 %value, ptr %value.at
  %register.at = getelementptr i64, ptr %reader, i64 3
  %register = load i64, ptr %register.at
  %number = trunc i64 %register to i32
  call i32 inttoptr (i64 {write} to ptr)(ptr %emulator, i32 %number, ptr %value.at)
  %next = add i64 %address, 4
  %next.at = getelementptr i64, ptr %reader, i64 5
  store i64 %next, ptr %next.at
  call i32 inttoptr (i64 {write} to ptr)(ptr %emulator, i32 {program_counter}, ptr %next.at)
  ret void
ask:
  call void @trap(ptr %emulator, i32 {counter_read}, ptr %counters)
  ret void
done:
  ret void
}}
"""

NOWHERE: Final = 1  # no instruction has this address
_engines: list[Any] = []  # keeps the code alive


@cache
def function_addresses(stop: int, write: int, program_counter: int) -> dict[str, int]:
    """The host's addresses of the functions.

    `stop` and `write` are those of the emulator's functions that stop it and write a register, and `program_counter`
    is its number of that register.
    """
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(opt=2)
    numbers = {"counter_read": COUNTER_READ, "nowhere": NOWHERE, "program_counter": program_counter}
    source = SOURCE.format(stop=stop, write=write, **numbers)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(source), target)
    engine.finalize_object()
    _engines.append(engine)
    return {name: engine.get_function_address(name) for name in ("count", "trap", "read_counter")}
