"""The small IR: what is left of a program when types, checks and failures have become plain steps.

A function is a list of basic blocks; a block is flat instructions and one terminator. Registers are written once;
`Slot`s are the mutable locals. Nothing is implied here: a range check is a compare and a branch to a cold block that
ends in `Panic`, a failing call is a call, a compare of the number and a branch, a field access is a load at a byte
offset. Each instruction stands for one LLVM instruction (Compose and the calls of intrinsics: a few), so
`llvm.py` only spells it out. `show_ir` prints a program as text.

Integers are bit patterns of 1, 8..256 bits; whether one is signed is said by the operator, as in LLVM.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..types import Type
from .tree import Function as TreeFunction
from .tree import Location


@dataclass(frozen=True)
class Int:
    """A bit pattern."""

    bits: int

    def __str__(self) -> str:
        return f"i{self.bits}"


@dataclass(frozen=True)
class Pointer:
    """An address."""

    def __str__(self) -> str:
        return "ptr"


@dataclass(frozen=True)
class Aggregate:
    """Several values that travel together."""

    items: tuple[Kind, ...]

    def __str__(self) -> str:
        return "{" + ", ".join(map(str, self.items)) + "}"


Kind = Int | Pointer | Aggregate
FLAG, BYTE, WORD, POINTER = Int(1), Int(8), Int(64), Pointer()
TEXT = Aggregate((POINTER, WORD))


@dataclass(frozen=True)
class Register:
    """A value computed once."""

    number: int
    kind: Kind

    def __str__(self) -> str:
        return f"%{self.number}"


@dataclass(frozen=True)
class Literal:
    """A constant; of kind Pointer, a constant address; of kind Aggregate, all zeros (value 0)."""

    value: int
    kind: Kind

    def __str__(self) -> str:
        return str(self.value) if not isinstance(self.kind, Pointer) else f"address {self.value:#x}"


@dataclass(frozen=True)
class Address:
    """The address of a symbol."""

    symbol: str
    kind: Pointer = POINTER

    def __str__(self) -> str:
        return f"@{self.symbol}"


Value = Register | Literal | Address


@dataclass
class Slot:
    """A mutable local; `type` and `parameter` are for the debugger, `type` None for the compiler's own."""

    name: str
    kind: Kind
    type: Type | None = None
    parameter: int = 0  # from 1; 0: not a parameter

    def __str__(self) -> str:
        return f"${self.name}"


@dataclass
class Instruction:
    """One step. `location` is the source it came from."""

    location: Location | None = field(default=None, kw_only=True)


@dataclass
class Binary(Instruction):
    """`operator` is LLVM's: add sub mul udiv sdiv urem srem and or xor shl lshr ashr. `exact`: its nuw/nsw."""

    result: Register
    operator: str
    left: Value
    right: Value
    exact: str = ""


@dataclass
class Cast(Instruction):
    """zext, sext, trunc, inttoptr, ptrtoint."""

    result: Register
    operator: str
    value: Value


@dataclass
class Compare(Instruction):
    """eq ne ult ule ugt uge slt sle sgt sge."""

    result: Register
    predicate: str
    left: Value
    right: Value


@dataclass
class Choose(Instruction):
    """`then` if `condition` else `otherwise`, both already computed."""

    result: Register
    condition: Value
    then: Value
    otherwise: Value


@dataclass
class Count(Instruction):
    """ctlz (of 0: the width) or ctpop."""

    result: Register
    operator: str
    value: Value


@dataclass
class Overflowing(Instruction):
    """uadd sadd usub ssub umul smul: the wrapped result, and whether it wrapped."""

    result: Register
    operator: str
    left: Value
    right: Value


@dataclass
class ReadSlot(Instruction):
    result: Register
    slot: Slot


@dataclass
class WriteSlot(Instruction):
    slot: Slot
    value: Value


@dataclass
class Load(Instruction):
    """The value at `pointer` + `offset`. `device`: neither dropped, doubled nor moved."""

    result: Register
    pointer: Value
    offset: int
    alignment: int
    device: bool = False


@dataclass
class Store(Instruction):
    pointer: Value
    offset: int
    value: Value
    alignment: int
    device: bool = False


@dataclass
class Step(Instruction):
    """The address `offset` bytes after `pointer`."""

    result: Register
    pointer: Value
    offset: Value


@dataclass
class Compose(Instruction):
    """An aggregate from its items."""

    result: Register
    items: list[Value]


@dataclass
class Item(Instruction):
    """One item of an aggregate."""

    result: Register
    value: Value
    index: int


@dataclass
class Call(Instruction):
    result: Register | None
    symbol: str
    arguments: list[Value]


@dataclass
class Fill(Instruction):
    """Zero `length` bytes (multiples of 8)."""

    pointer: Value
    length: Value


@dataclass
class Copy(Instruction):
    """Copy `length` bytes, in an order that suits overlap."""

    to: Value
    source: Value
    length: Value


@dataclass
class Machine(Instruction):
    """Assembly in place, with LLVM's constraint string. `pure`: no more than its result, and the same each time."""

    result: Register | None
    text: str
    constraints: str
    arguments: list[Value]
    pure: bool = False


@dataclass
class Jump(Instruction):
    target: Block


@dataclass
class Branch(Instruction):
    """`likely`: which way it nearly always goes, if known."""

    condition: Value
    then: Block
    otherwise: Block
    likely: bool | None = None


@dataclass
class Switch(Instruction):
    value: Value
    cases: list[tuple[int, Block]]
    default: Block


@dataclass
class Return(Instruction):
    value: Value | None


@dataclass
class Panic(Instruction):
    """Call the program's `pith_panic` with the site's record and the value that did not fit; never returns."""

    site: Address
    value: Value


@dataclass
class Unreachable(Instruction):
    """After a call that does not return, and where no failure is left to arrive."""


TERMINATORS = (Jump, Branch, Switch, Return, Panic, Unreachable)


@dataclass
class Block:
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return bool(self.instructions) and isinstance(self.instructions[-1], TERMINATORS)


@dataclass
class Signature:
    """How a function is called. `ranges`: what is known of each parameter, and of the result (None: nothing)."""

    symbol: str
    parameters: list[Kind]
    result: Kind | None
    returns: bool = True
    exported: bool = False  # the C calling convention, and visible to the linker
    ranges: list[tuple[int, int] | None] = field(default_factory=list)
    result_range: tuple[int, int] | None = None
    never_null: bool = False  # the result, a pointer
    cold: bool = False  # seldom called: it keeps the caller's registers


@dataclass
class Function:
    signature: Signature
    parameters: list[Register]
    slots: list[Slot]
    blocks: list[Block]
    inline: bool | None
    source: TreeFunction | None  # None: made by the compiler
    outermost: bool = False  # no caller: no registers to keep, room on the stack


@dataclass
class Data:
    """Named bytes: `address` given (a shared arena), or zeroed and `size` long. `type` is for the debugger."""

    symbol: str
    size: int
    alignment: int
    address: int | None = None
    type: Type | None = None


Cell = int | tuple[Address, int]  # a number, or a text: its address and length


@dataclass
class Table:
    """Constant memory: `cells` in a row, each `size` bytes."""

    symbol: str
    size: int
    alignment: int
    cells: tuple[Cell, ...]


@dataclass
class Site:
    """What a panic reports: a constant record {file text, its length, line, reason text, its length}."""

    symbol: str
    file: str
    line: int
    reason: str


@dataclass
class Program:
    functions: list[Function] = field(default_factory=list)
    declared: list[Signature] = field(default_factory=list)  # defined in `assembly`
    assembly: list[tuple[str, str]] = field(default_factory=list)  # (symbol, body)
    data: list[Data] = field(default_factory=list)
    texts: dict[bytes, str] = field(default_factory=dict)  # constant bytes: symbol
    tables: dict[tuple[int, int, tuple[Cell, ...]], Table] = field(default_factory=dict)
    sites: dict[tuple[str, int, str], Site] = field(default_factory=dict)
    externals: set[str] = field(default_factory=set)  # symbols that the linker supplies
    kept: list[str] = field(default_factory=list)  # functions to compile though nothing calls them


def show_ir(program: Program) -> str:
    """The program as text, for reading."""
    parts = [f"data @{d.symbol}: {d.size} bytes, aligned to {d.alignment}" for d in program.data]
    parts += [f"text @{symbol} = {text!r}" for text, symbol in program.texts.items()]
    parts += [_show_table(table) for table in program.tables.values()]
    parts += [f"assembly @{s}:\n{body}" for s, body in program.assembly]
    parts += [_show_function(f) for f in program.functions]
    return "\n".join(parts) + "\n"


def _show_table(table: Table) -> str:
    cells = ", ".join(str(c) if isinstance(c, int) else f"({c[0]}, {c[1]})" for c in table.cells)
    return f"table @{table.symbol}: cells of {table.size} bytes, aligned to {table.alignment}: {cells}"


def _show_function(function: Function) -> str:
    signature = function.signature
    parameters = ", ".join(f"{p}: {p.kind}" for p in function.parameters)
    head = f"\nfunction @{signature.symbol}({parameters}) -> {signature.result or 'nothing'}"
    lines = [head + (" exported" if signature.exported else "")]
    lines += [f"    slot {slot}: {slot.kind}" for slot in function.slots]
    for block in function.blocks:
        lines.append(f"  {block.name}:")
        lines += [_show_line(i) for i in block.instructions]
    return "\n".join(lines)


def _show_line(instruction: Instruction) -> str:
    text = "    " + show_instruction(instruction)
    return f"{text:<76}; line {instruction.location.line}" if instruction.location else text


def show_instruction(instruction: Instruction) -> str:
    """One instruction as text: `%7: i64 = add nuw %5, 1`."""
    fields = {n: v for n, v in vars(instruction).items() if n not in ("location", "result")}
    name = type(instruction).__name__.lower()
    operator = fields.pop("operator", None) or fields.pop("predicate", None)
    words = [name if operator is None or name == "count" else f"{name}.{operator}"]
    words += [_show_operand(n, v) for n, v in fields.items() if v not in ("", None, False)]
    result = getattr(instruction, "result", None)
    return (f"{result}: {result.kind} = " if result else "") + " ".join(words)


def _show_operand(name: str, value: Any) -> str:
    match value:
        case Block():
            return value.name
        case list() | tuple():
            return "[" + ", ".join(_show_operand("", v) for v in value) + "]"
        case bool():
            return name
        case int() if name in ("offset", "alignment", "index"):
            return f"{name}={value}"
    return str(value)
