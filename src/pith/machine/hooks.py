"""The functions that the emulated processor calls while user code runs, as machine code of the host.

Before each instruction, `count` adds one to the counter, or stops when the counter has reached the limit: this makes time exact
and the same in every run. It also looks at the instruction, because the emulator gets some wrong. Those it does itself (to read
a counter; to mark the result of single precision, for the emulator does not), or it stops and asks Python to. On an exception,
`trap` notes its number and stops. `fill` gives the translation of a page, if the tables allow the access and nothing about it is
special; else it asks Python. Functions in Python would take microseconds; these take nanoseconds, which is why they are
written in LLVM's language.

An instruction is looked at where it lies in memory now, and that is not always what the emulator runs: it may still have
translated what was there before. Both are allowed until the next `fence.i`, at which Python makes the emulator forget.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final, NamedTuple

from unicorn.unicorn_const import UC_MEM_FETCH, UC_MEM_READ, UC_MEM_WRITE

from . import instructions
from .board import INSTRUCTIONS_PER_TICK, MEMORY_BASE
from .instructions import FUSED, MISC_MEMORY, OP_FLOAT, SYSTEM
from .translation import EXECUTE, READ, ROOT_MASK, USER, VALID, WRITE

NO_EXCEPTION: Final = (1 << 64) - 1
ASKED: Final = 64  # no exception of the hardware has this number
NOWHERE: Final = 1  # no instruction has this address
NO_REGISTER: Final = 0
CODE_PAGES: Final = 256  # a power of two


class CodePage(ctypes.Structure):
    """Where the host has a page of code."""

    virtual: int  # NOWHERE: this place is empty
    host: int
    _fields_ = (("virtual", ctypes.c_uint64), ("host", ctypes.c_uint64))


class Shared(ctypes.Structure):
    """What the functions share with Python."""

    count: int  # instructions since power-on
    limit: int  # where to stop
    exception: int  # why it stopped: a number of the hardware's, ASKED, or NO_EXCEPTION
    passed: int  # the address of an instruction that passes once without asking
    boxed: (
        int  # the register (Unicorn's number) that the instruction before this one filled in single precision
    )
    boxed_at: int  # where that instruction lies
    memory: int  # where the host has the machine's memory
    words: int  # how many it has, of 64 bits
    root: int  # the physical address of the root table
    ask: int  # the function that is asked for translations that `fill` leaves open
    pages: Any  # code that was met since the last fence; a page has one place
    value: int  # scratch: a register's value
    next: int  # scratch: the next program counter
    noted: int  # where the host has a byte for each page of memory: whether code of it was fetched since it was all forgotten
    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("count", "limit", "exception", "passed", "boxed", "boxed_at")),
        *((name, ctypes.c_uint64) for name in ("memory", "words", "root", "ask")),
        ("pages", CodePage * CODE_PAGES),
        ("value", ctypes.c_uint64),
        ("next", ctypes.c_uint64),
        ("noted", ctypes.c_uint64),
    )


# Classes of instructions, by their lower half.
ORDINARY, PYTHON, ACCESS, FLOAT, FUSED_FLOAT = range(5)


def _class(half: int) -> int:
    """What to do about an instruction whose lower half this is."""
    if half & 3 != 3:
        return PYTHON if instructions.is_reserved(half) else ORDINARY
    if half & 0x7F == OP_FLOAT:
        return FLOAT
    if half & 0x7F in FUSED:
        return FUSED_FLOAT
    if half & 0x7F == SYSTEM and half >> 12 & 3:
        return ACCESS
    return PYTHON if instructions.is_instruction_fence(half) else ORDINARY


CANDIDATES: Final = (
    range(0x8000, 0xA000),  # compressed ones, and some others
    *(range(opcode, 1 << 16, 128) for opcode in (MISC_MEMORY, SYSTEM, OP_FLOAT, *FUSED)),
)
CLASSES: Final = bytearray(1 << 16)
for half in (half for candidates in CANDIDATES for half in candidates):
    CLASSES[half] = _class(half)
# By an instruction's bits 25-31: its peculiarities.
OF_FLOAT: Final = bytearray(instructions.peculiarities(kind << 25 | OP_FLOAT) for kind in range(128))
OF_FUSED: Final = bytearray(instructions.peculiarities(kind << 25 | FUSED[0]) for kind in range(128))


# %shared is a Shared, of type %Shared.
SOURCE: Final = """
%CodePage = type {{ i64, i64 }}
%Shared = type {{ i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, [{code_pages} x %CodePage], i64, i64, i64 }}

define void @count(ptr %emulator, i64 %address, i32 %size, ptr %shared) {{
  %count = load i64, ptr %shared
  %limit.at = getelementptr %Shared, ptr %shared, i32 0, i32 1
  %limit = load i64, ptr %limit.at
  %reached = icmp uge i64 %count, %limit
  br i1 %reached, label %stop, label %box
box:
  %boxed.at = getelementptr %Shared, ptr %shared, i32 0, i32 4
  %boxed = load i64, ptr %boxed.at
  %boxes = icmp ne i64 %boxed, {no_register}
  br i1 %boxes, label %fill.box, label %look, !prof !0
fill.box:
  call void @box(ptr %emulator, ptr %shared)
  br label %look
look:
  %page = and i64 %address, -4096
  %number = lshr i64 %address, 12
  %place = and i64 %number, {last_code_page}
  %known.at = getelementptr %Shared, ptr %shared, i32 0, i32 10, i64 %place, i32 0
  %known = load i64, ptr %known.at
  %is_known = icmp eq i64 %known, %page
  br i1 %is_known, label %read, label %find, !prof !1
find:
  %found = call i64 @find(ptr %shared, i64 %page)
  %is_found = icmp ne i64 %found, 0
  br i1 %is_found, label %read, label %go
read:
  %host.at = getelementptr %Shared, ptr %shared, i32 0, i32 10, i64 %place, i32 1
  %host = load i64, ptr %host.at
  %inner = and i64 %address, 4095
  %instruction.number = or i64 %host, %inner
  %instruction.at = inttoptr i64 %instruction.number to ptr
  %half = load i16, ptr %instruction.at
  %half.64 = zext i16 %half to i64
  %kind.at = getelementptr i8, ptr inttoptr (i64 {classes} to ptr), i64 %half.64
  %kind = load i8, ptr %kind.at
  %is_ordinary = icmp eq i8 %kind, {ordinary}
  br i1 %is_ordinary, label %go, label %special, !prof !1
go:
  %next = add i64 %count, 1
  store i64 %next, ptr %shared
  ret void
special:
  %does = call i1 @special(ptr %emulator, i64 %address, i16 %half, i8 %kind, ptr %shared)
  br i1 %does, label %go, label %done
stop:
  call i32 inttoptr (i64 {stop} to ptr)(ptr %emulator)
  ret void
done:
  ret void
}}

; Give the register of single precision its upper half.
define void @box(ptr %emulator, ptr %shared) noinline {{
  %boxed.at = getelementptr %Shared, ptr %shared, i32 0, i32 4
  %boxed = load i64, ptr %boxed.at
  store i64 {no_register}, ptr %boxed.at
  %register = trunc i64 %boxed to i32
  %value.at = getelementptr %Shared, ptr %shared, i32 0, i32 11
  call i32 inttoptr (i64 {read_register} to ptr)(ptr %emulator, i32 %register, ptr %value.at)
  %value = load i64, ptr %value.at
  %whole = or i64 %value, {box}
  store i64 %whole, ptr %value.at
  call i32 inttoptr (i64 {write_register} to ptr)(ptr %emulator, i32 %register, ptr %value.at)
  ret void
}}

; Where the host has a page of code: note it, and return it; 0 if it is nowhere.
define i64 @find(ptr %shared, i64 %page) noinline {{
  %found = call i64 @walk(ptr %shared, i64 %page, i64 {executable})
  %is_found = icmp ne i64 %found, 0
  br i1 %is_found, label %mapped, label %nowhere
mapped:
  %physical = and i64 %found, -4096
  %offset = sub i64 %physical, {memory_base}
  %word = lshr i64 %offset, 3
  %words.at = getelementptr %Shared, ptr %shared, i32 0, i32 7
  %words = load i64, ptr %words.at
  %is_memory = icmp ult i64 %word, %words
  br i1 %is_memory, label %backed, label %nowhere
backed:
  %memory.at = getelementptr %Shared, ptr %shared, i32 0, i32 6
  %memory = load i64, ptr %memory.at
  %host = add i64 %memory, %offset
  %number = lshr i64 %page, 12
  %place = and i64 %number, {last_code_page}
  %virtual.at = getelementptr %Shared, ptr %shared, i32 0, i32 10, i64 %place, i32 0
  store i64 %page, ptr %virtual.at
  %host.at = getelementptr %Shared, ptr %shared, i32 0, i32 10, i64 %place, i32 1
  store i64 %host, ptr %host.at
  ret i64 %host
nowhere:
  ret i64 0
}}

; An instruction that the emulator may get wrong: true if it shall be executed and counted.
define i1 @special(ptr %emulator, i64 %address, i16 %half, i8 %kind, ptr %shared) noinline {{
  %passed.at = getelementptr %Shared, ptr %shared, i32 0, i32 3
  %passed = load i64, ptr %passed.at
  store i64 {nowhere}, ptr %passed.at
  %passes = icmp eq i64 %address, %passed
  br i1 %passes, label %yes, label %asks
asks:
  %is_python = icmp eq i8 %kind, {python}
  br i1 %is_python, label %ask, label %whole
whole:
  %upper.address = add i64 %address, 2
  %upper.page = and i64 %upper.address, -4096
  %upper.host = call i64 @find(ptr %shared, i64 %upper.page)
  %is_whole = icmp ne i64 %upper.host, 0
  br i1 %is_whole, label %decode, label %yes
decode:
  %inner = and i64 %upper.address, 4095
  %upper.number = or i64 %upper.host, %inner
  %upper.at = inttoptr i64 %upper.number to ptr
  %upper = load i16, ptr %upper.at
  %upper.32 = zext i16 %upper to i32
  %high = shl i32 %upper.32, 16
  %low = zext i16 %half to i32
  %instruction = or i32 %high, %low
  %target.high = lshr i32 %instruction, 7
  %target = and i32 %target.high, 31
  %is_access = icmp eq i8 %kind, {access}
  br i1 %is_access, label %csr, label %float
csr:
  %group = lshr i32 %instruction, 28
  %is_read_only = icmp eq i32 %group, 12
  br i1 %is_read_only, label %counter, label %yes
counter:
  %fixed = and i32 %instruction, {but_target}
  %has_target = icmp ne i32 %target, 0
  br i1 %has_target, label %which, label %ask
which:
  switch i32 %fixed, label %ask [ i32 {read_cycle}, label %read
                                  i32 {read_retired}, label %read
                                  i32 {read_time}, label %ticks ]
ticks:
  br label %read
read:
  %divisor = phi i64 [ 1, %which ], [ 1, %which ], [ {instructions_per_tick}, %ticks ]
  %before = load i64, ptr %shared
  %count = add i64 %before, 1
  store i64 %count, ptr %shared
  %value = udiv i64 %count, %divisor
  %value.at = getelementptr %Shared, ptr %shared, i32 0, i32 11
  store i64 %value, ptr %value.at
  %register = add i32 %target, {general}
  call i32 inttoptr (i64 {write_register} to ptr)(ptr %emulator, i32 %register, ptr %value.at)
  %next = add i64 %address, 4
  %next.at = getelementptr %Shared, ptr %shared, i32 0, i32 12
  store i64 %next, ptr %next.at
  call i32 inttoptr (i64 {write_register} to ptr)(ptr %emulator, i32 {program_counter}, ptr %next.at)
  ret i1 false
float:
  %function = lshr i32 %instruction, 25
  %is_fused = icmp eq i8 %kind, {fused}
  %table = select i1 %is_fused, i64 {of_fused}, i64 {of_float}
  %function.64 = zext i32 %function to i64
  %what.number = add i64 %table, %function.64
  %what.at = inttoptr i64 %what.number to ptr
  %what = load i8, ptr %what.at
  %is_none = icmp eq i8 %what, 0
  br i1 %is_none, label %yes, label %sources
sources:
  %minimum = and i8 %what, {minimum}
  %is_minimum = icmp ne i8 %minimum, 0
  br i1 %is_minimum, label %ask, label %source1
source1:
  %first = call i1 @is_unboxed(ptr %emulator, ptr %shared, i32 %instruction, i8 %what, i8 {source1}, i32 15)
  br i1 %first, label %ask, label %source2
source2:
  %second = call i1 @is_unboxed(ptr %emulator, ptr %shared, i32 %instruction, i8 %what, i8 {source2}, i32 20)
  br i1 %second, label %ask, label %source3
source3:
  %third = call i1 @is_unboxed(ptr %emulator, ptr %shared, i32 %instruction, i8 %what, i8 {source3}, i32 27)
  br i1 %third, label %ask, label %addend
addend:
  %adds = and i8 %what, {addend}
  %has_addend = icmp ne i8 %adds, 0
  br i1 %has_addend, label %look, label %result
look:
  %precision = and i32 %instruction, {precision}
  %is_single = icmp eq i32 %precision, 0
  %shift = select i1 %is_single, i64 33, i64 1
  %infinity = select i1 %is_single, i64 {single_infinity}, i64 {double_infinity}
  %addend.number = lshr i32 %instruction, 27
  %addend.register = add i32 %addend.number, {floats}
  %addend.at = getelementptr %Shared, ptr %shared, i32 0, i32 11
  call i32 inttoptr (i64 {read_register} to ptr)(ptr %emulator, i32 %addend.register, ptr %addend.at)
  %added = load i64, ptr %addend.at
  %unsigned = shl i64 %added, %shift
  %is_nan = icmp ugt i64 %unsigned, %infinity
  br i1 %is_nan, label %ask, label %result
result:
  %fills = and i8 %what, {result}
  %has_result = icmp ne i8 %fills, 0
  br i1 %has_result, label %note, label %yes
note:
  %float.register = add i32 %target, {floats}
  %float.register.64 = zext i32 %float.register to i64
  %boxed.at = getelementptr %Shared, ptr %shared, i32 0, i32 4
  store i64 %float.register.64, ptr %boxed.at
  %boxed_at.at = getelementptr %Shared, ptr %shared, i32 0, i32 5
  store i64 %address, ptr %boxed_at.at
  br label %yes
ask:
  %exception.at = getelementptr %Shared, ptr %shared, i32 0, i32 2
  store i64 {asked}, ptr %exception.at
  call i32 inttoptr (i64 {stop} to ptr)(ptr %emulator)
  ret i1 false
yes:
  ret i1 true
}}

; Whether a source that should be of single precision holds something else: not all bits of its upper half are set.
define i1 @is_unboxed(ptr %emulator, ptr %shared, i32 %instruction, i8 %what, i8 %source, i32 %shift) {{
  %bit = and i8 %what, %source
  %is_source = icmp ne i8 %bit, 0
  br i1 %is_source, label %look, label %no
look:
  %high = lshr i32 %instruction, %shift
  %number = and i32 %high, 31
  %register = add i32 %number, {floats}
  %value.at = getelementptr %Shared, ptr %shared, i32 0, i32 11
  call i32 inttoptr (i64 {read_register} to ptr)(ptr %emulator, i32 %register, ptr %value.at)
  %value = load i64, ptr %value.at
  %is_unboxed = icmp ult i64 %value, {box}
  ret i1 %is_unboxed
no:
  ret i1 false
}}

define void @trap(ptr %emulator, i32 %number, ptr %shared) {{
  %exception.at = getelementptr %Shared, ptr %shared, i32 0, i32 2
  %exception = zext i32 %number to i64
  store i64 %exception, ptr %exception.at
  call i32 inttoptr (i64 {stop} to ptr)(ptr %emulator)
  ret void
}}

; The page that the tables give to an address, and the lowest five bits of its entry, if these are all that is wanted; else 0.
define i64 @walk(ptr %shared, i64 %address, i64 %wanted) {{
  %memory.at = getelementptr %Shared, ptr %shared, i32 0, i32 6
  %memory = load ptr, ptr %memory.at
  %words.at = getelementptr %Shared, ptr %shared, i32 0, i32 7
  %words = load i64, ptr %words.at
  %root.at = getelementptr %Shared, ptr %shared, i32 0, i32 8
  %root = load i64, ptr %root.at
  %above = ashr i64 %address, 38
  %canonical = add i64 %above, 1
  %is_canonical = icmp ult i64 %canonical, 2
  br i1 %is_canonical, label %level, label %nowhere
level:
  %table = phi i64 [ %root, %0 ], [ %target, %deeper ]
  %shift = phi i64 [ 30, %0 ], [ %next.shift, %deeper ]
  %table.offset = sub i64 %table, {memory_base}
  %table.word = lshr i64 %table.offset, 3
  %index.high = lshr i64 %address, %shift
  %index = and i64 %index.high, 511
  %word = add i64 %table.word, %index
  %inside = icmp ult i64 %word, %words
  br i1 %inside, label %look, label %nowhere
look:
  %entry.at = getelementptr i64, ptr %memory, i64 %word
  %entry = load i64, ptr %entry.at
  %target.high = shl i64 %entry, 2
  %target = and i64 %target.high, {target_mask}
  %kind = and i64 %entry, {leaf_mask}
  %is_table = icmp eq i64 %kind, {valid}
  br i1 %is_table, label %deeper, label %leaf
deeper:
  %next.shift = sub i64 %shift, 9
  %has_next = icmp ugt i64 %shift, 12
  br i1 %has_next, label %level, label %nowhere
leaf:
  %there = and i64 %entry, %wanted
  %allowed = icmp eq i64 %there, %wanted
  %size = shl i64 1, %shift
  %below = sub i64 %size, 1
  %astray = and i64 %target, %below
  %aligned = icmp eq i64 %astray, 0
  %permitted = and i1 %allowed, %aligned
  br i1 %permitted, label %found, label %nowhere
found:
  %inner = and i64 %address, %below
  %inner.page = and i64 %inner, -4096
  %physical = or i64 %target, %inner.page
  %bits = and i64 %entry, {entry_bits}
  %result = or i64 %physical, %bits
  ret i64 %result
nowhere:
  ret i64 0
}}

define zeroext i1 @fill(ptr %emulator, i64 %address, i32 %access, ptr %result, ptr %shared) {{
  %order = sub i32 %access, {read_access}
  %order.64 = zext i32 %order to i64
  %needed.32 = shl i32 {read_bit}, %order
  %needed = zext i32 %needed.32 to i64
  %wanted = or i64 %needed, {readable}
  %found = call i64 @walk(ptr %shared, i64 %address, i64 %wanted)
  %is_found = icmp ne i64 %found, 0
  br i1 %is_found, label %mapped, label %ask
mapped:
  %physical = and i64 %found, -4096
  %is_fetch = icmp eq i64 %order.64, 2
  br i1 %is_fetch, label %fetch, label %give
fetch:
  %offset = sub i64 %physical, {memory_base}
  %word = lshr i64 %offset, 3
  %words.at = getelementptr %Shared, ptr %shared, i32 0, i32 7
  %words = load i64, ptr %words.at
  %is_memory = icmp ult i64 %word, %words
  br i1 %is_memory, label %code, label %give
code:
  %noted.at = getelementptr %Shared, ptr %shared, i32 0, i32 13
  %noted = load ptr, ptr %noted.at
  %page = lshr i64 %offset, 12
  %note.at = getelementptr i8, ptr %noted, i64 %page
  %note = load i8, ptr %note.at
  %is_noted = icmp ne i8 %note, 0
  br i1 %is_noted, label %give, label %ask
give:
  %permissions.64 = or i64 %needed, {read_bit}
  %permissions.2 = trunc i64 %permissions.64 to i32
  %permissions = lshr i32 %permissions.2, 1
  store i64 %physical, ptr %result
  %permissions.at = getelementptr i8, ptr %result, i64 8
  store i32 %permissions, ptr %permissions.at
  ret i1 true
ask:
  %ask.at = getelementptr %Shared, ptr %shared, i32 0, i32 9
  %function = load ptr, ptr %ask.at
  %answer = call zeroext i1 %function(ptr %emulator, i64 %address, i32 %access, ptr %result, ptr null)
  ret i1 %answer
}}

!0 = !{{!"branch_weights", i32 1, i32 1000}}
!1 = !{{!"branch_weights", i32 1000, i32 1}}
"""

NUMBERS: Final = {
    "code_pages": CODE_PAGES,
    "last_code_page": CODE_PAGES - 1,
    "no_register": NO_REGISTER,
    "nowhere": NOWHERE,
    "asked": ASKED,
    "box": 0xFFFF_FFFF << 32,
    "ordinary": ORDINARY,
    "python": PYTHON,
    "access": ACCESS,
    "fused": FUSED_FLOAT,
    "source1": instructions.SOURCE1,
    "source2": instructions.SOURCE2,
    "source3": instructions.SOURCE3,
    "result": instructions.RESULT,
    "minimum": instructions.MINIMUM,
    "addend": instructions.ADDEND,
    "precision": 3 << 25,
    "single_infinity": 0xFF << 56,  # without their signs, shifted to the top
    "double_infinity": 0x7FF << 53,
    "but_target": 0xFFFF_F07F,
    "read_cycle": instructions.CYCLE << 20 | 0x2073,
    "read_time": instructions.TIME << 20 | 0x2073,
    "read_retired": instructions.RETIRED << 20 | 0x2073,
    "instructions_per_tick": INSTRUCTIONS_PER_TICK,
    "memory_base": MEMORY_BASE,
    "target_mask": ROOT_MASK << 12,
    "leaf_mask": VALID | READ | WRITE | EXECUTE,
    "entry_bits": VALID | READ | WRITE | EXECUTE | USER,
    "valid": VALID,
    "readable": VALID | READ | USER,
    "executable": VALID | EXECUTE | USER,
    "read_bit": READ,
    "read_access": UC_MEM_READ,  # that of a write and that of a fetch are the next ones, as are the entry's bits
}
assert (UC_MEM_READ + 1, UC_MEM_READ + 2) == (UC_MEM_WRITE, UC_MEM_FETCH)
TABLES: Final = {"classes": CLASSES, "of_float": OF_FLOAT, "of_fused": OF_FUSED}
_engines: list[Any] = []  # keeps the code alive


class Emulator(NamedTuple):
    """The emulator's functions, by their addresses in the host, and its numbers of registers."""

    stop: int
    read_register: int
    write_register: int
    program_counter: int
    general: int  # of x0
    floats: int  # of f0


@cache
def function_addresses(emulator: Emulator) -> dict[str, int]:
    """The host's addresses of the functions."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(opt=2)
    tables = {name: _address(table) for name, table in TABLES.items()}
    source = SOURCE.format(**emulator._asdict(), **tables, **NUMBERS)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(source), target)
    engine.finalize_object()
    _engines.append(engine)
    return {name: engine.get_function_address(name) for name in ("count", "trap", "fill")}


def _address(table: bytearray) -> int:
    """Where the host has a table, which must never change its size."""
    return ctypes.addressof(ctypes.c_char.from_buffer(table))
