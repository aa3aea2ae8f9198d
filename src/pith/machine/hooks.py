"""The functions that the emulated processor calls while user code runs, as machine code of the host.

Before each instruction, `count` adds one to the counter, or stops when the counter has reached the limit: this makes time exact
and the same in every run. On an exception, `trap` notes its number and stops. `read_counter` is called at each address where an
instruction that reads a counter was seen, for the emulator would answer with the host's clock. It does the instruction's
work itself, if Python has verified since the last fence that the instruction is there; else it stops, so that
Python can look. `fill` gives the translation of a page, if the tables allow the access and nothing about it is special;
else it asks Python. Functions in Python would take microseconds; these take nanoseconds, which is why they
are written in LLVM's language.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

from unicorn.unicorn_const import UC_MEM_FETCH, UC_MEM_READ, UC_MEM_WRITE

from .board import MEMORY_BASE
from .translation import EXECUTE, READ, ROOT_MASK, USER, VALID, WRITE

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


class Walk(ctypes.Structure):
    """What a walk through the page tables needs."""

    memory: int  # where the host has the machine's memory
    words: int  # how many it has, of 64 bits
    root: int  # the physical address of the root table
    plain: (
        int  # where the host has a byte for each page: 1 if it may be run without looking for counter reads
    )
    ask: int  # the function that is asked what this one leaves open
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("memory", "words", "root", "plain", "ask"))


# In `count` and `trap`, %counters is a Counters; in `read_counter`, %reader is a CounterReader; in `fill`, %walk is a Walk.
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

define zeroext i1 @fill(ptr %emulator, i64 %address, i32 %access, ptr %result, ptr %walk) {{
  %fields = load [4 x i64], ptr %walk
  %memory.address = extractvalue [4 x i64] %fields, 0
  %memory = inttoptr i64 %memory.address to ptr
  %words = extractvalue [4 x i64] %fields, 1
  %root = extractvalue [4 x i64] %fields, 2
  %plain.address = extractvalue [4 x i64] %fields, 3
  %plain = inttoptr i64 %plain.address to ptr
  %above = ashr i64 %address, 38
  %canonical = add i64 %above, 1
  %is_canonical = icmp ult i64 %canonical, 2
  br i1 %is_canonical, label %level, label %ask
level:
  %table = phi i64 [ %root, %0 ], [ %target, %deeper ]
  %shift = phi i64 [ 30, %0 ], [ %next.shift, %deeper ]
  %table.offset = sub i64 %table, {memory_base}
  %table.word = lshr i64 %table.offset, 3
  %index.high = lshr i64 %address, %shift
  %index = and i64 %index.high, 511
  %word = add i64 %table.word, %index
  %inside = icmp ult i64 %word, %words
  br i1 %inside, label %look, label %ask
look:
  %entry.at = getelementptr i64, ptr %memory, i64 %word
  %entry = load i64, ptr %entry.at
  %target.high = shl i64 %entry, 2
  %target = and i64 %target.high, {target_mask}
  %kind = and i64 %entry, {leaf_mask}
  %is_table = icmp eq i64 %kind, {table_kind}
  br i1 %is_table, label %deeper, label %leaf
deeper:
  %next.shift = sub i64 %shift, 9
  %has_next = icmp ugt i64 %shift, 12
  br i1 %has_next, label %level, label %ask
leaf:
  %order = sub i32 %access, {read_access}
  %needed.32 = shl i32 {read}, %order
  %needed = zext i32 %needed.32 to i64
  %wanted = or i64 %needed, {always_needed}
  %there = and i64 %entry, %wanted
  %allowed = icmp eq i64 %there, %wanted
  %size = shl i64 1, %shift
  %below = sub i64 %size, 1
  %astray = and i64 %target, %below
  %aligned = icmp eq i64 %astray, 0
  %permitted = and i1 %allowed, %aligned
  br i1 %permitted, label %found, label %ask
found:
  %inner = and i64 %address, %below
  %inner.page = and i64 %inner, -4096
  %physical = or i64 %target, %inner.page
  %offset = sub i64 %physical, {memory_base}
  %page = lshr i64 %offset, 12
  %page.word = lshr i64 %offset, 3
  %is_memory = icmp ult i64 %page.word, %words
  br i1 %is_memory, label %backed, label %ask
backed:
  %plain.at = getelementptr i8, ptr %plain, i64 %page
  switch i32 %access, label %give [ i32 {fetch_access}, label %fetch
                                    i32 {write_access}, label %write ]
fetch:
  %is_plain = load i8, ptr %plain.at
  %runs = icmp ne i8 %is_plain, 0
  br i1 %runs, label %give, label %ask
write:
  store i8 0, ptr %plain.at
  br label %give
give:
  %readable = and i64 %entry, {read}
  %permissions.64 = or i64 %readable, %needed
  %permissions.2 = trunc i64 %permissions.64 to i32
  %permissions = lshr i32 %permissions.2, 1
  store i64 %physical, ptr %result
  %permissions.at = getelementptr i8, ptr %result, i64 8
  store i32 %permissions, ptr %permissions.at
  ret i1 true
ask:
  %ask.at = getelementptr i64, ptr %walk, i64 4
  %function = load ptr, ptr %ask.at
  %answer = call zeroext i1 %function(ptr %emulator, i64 %address, i32 %access, ptr %result, ptr null)
  ret i1 %answer
}}
"""

NOWHERE: Final = 1  # no instruction has this address
WALK_NUMBERS: Final = {
    "memory_base": MEMORY_BASE,
    "target_mask": ROOT_MASK << 12,
    "leaf_mask": VALID | READ | WRITE | EXECUTE,
    "table_kind": VALID,
    "always_needed": VALID | READ | USER,
    "read": READ,
    "read_access": UC_MEM_READ,  # that of a write and that of a fetch are the next ones, as are the entry's bits
    "write_access": UC_MEM_WRITE,
    "fetch_access": UC_MEM_FETCH,
}
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
    source = SOURCE.format(stop=stop, write=write, **numbers, **WALK_NUMBERS)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(source), target)
    engine.finalize_object()
    _engines.append(engine)
    return {name: engine.get_function_address(name) for name in ("count", "trap", "read_counter", "fill")}
