"""What every part of the lowering writes with: the block at hand, fresh registers, checks that panic.

`Shared` is what the functions of one program have in common: constant text, panic sites, the numbers of failures.
`Builder` writes one function. Its methods are the IR's instructions under shorter names, plus three ideas:

* a check (`panic_unless`) branches to a cold block of its own and goes on in a new one;
* a failure (`fail`) writes its number to a slot and goes to the innermost landing block, a `try`'s, or returns;
* code after a terminator goes to a block that nothing reaches.

With `Options.panics_return` a panic is a failure too, with the number `PANICKED`, that no handler catches: so
compiled code can panic inside a CPython process, and the process lives on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..types import PackedValue, Text, Type
from . import ir
from .ir import FLAG, POINTER, WORD, Kind, Register, Value
from .lowering_types import element_size
from .tree import Function, Location

PANICKED = 1 << 62
FAILURE_DATA = "pith.failure"  # the fields of the failure under way: 8 words
PANIC_DATA = "pith.panicked"  # with `panics_return`: the site's address, the value


@dataclass(frozen=True)
class Options:
    """What the targets do differently."""

    panics_return: bool = False
    arena_statics: bool = False  # statics are where CPython's arena has them
    machine: bool = True  # there is a riscv64 processor under the code


METAL = Options()
HOST = Options(panics_return=True, arena_statics=True, machine=False)


@dataclass
class Shared:
    """What the functions of a program have in common."""

    program: ir.Program
    options: Options
    failure_numbers: dict[type, int]
    signatures: dict[int, ir.Signature] = field(default_factory=dict)  # by id of the tree's function

    def text(self, data: bytes) -> ir.Address:
        """The address of constant bytes."""
        texts = self.program.texts
        return ir.Address(texts.setdefault(data, f"pith.text.{len(texts)}"))

    def table(self, items: tuple[Any, ...], element: Type) -> ir.Address:
        """The address of constants in a row, each in the form that memory has of an `element`."""
        if isinstance(element, Text):
            texts = tuple(item.encode() for item in items)
            cells: tuple[ir.Cell, ...] = tuple((self.text(text), len(text)) for text in texts)
        elif isinstance(element, PackedValue):
            cells = tuple(item.bits for item in items)
        else:
            cells = tuple(int(item) for item in items)
        tables = self.program.tables
        size = element_size(element)
        key = (size, min(size, 8), cells)
        if key not in tables:
            tables[key] = ir.Table(f"pith.table.{len(tables)}", *key)
        return ir.Address(tables[key].symbol)

    def site(self, location: Location | None, reason: str) -> ir.Address:
        """The address of the record that tells a panic's place and reason."""
        file, line = (location.file, location.line) if location else ("", 0)
        sites = self.program.sites
        key = (file, line, reason)
        if key not in sites:
            sites[key] = ir.Site(f"pith.site.{len(sites)}", file, line, reason)
        return ir.Address(sites[key].symbol)

    def fails(self, function: Function) -> bool:
        """Whether the function returns a failure number beside its result."""
        return bool(function.failures) or self.options.panics_return


@dataclass
class Handling:
    """The `except` body at hand: where the failure's number and fields wait."""

    number: ir.Slot
    words: list[ir.Slot]


class Builder:
    """Writes one function's blocks."""

    def __init__(self, shared: Shared, signature: ir.Signature, result: Type, fails: bool) -> None:
        self.shared = shared
        self.signature = signature
        self.result = result
        self.fails = fails
        self.location: Location | None = None
        self.slots: dict[str, ir.Slot] = {}
        self.blocks: list[ir.Block] = []
        self.registers = 0
        self.loops: list[tuple[ir.Block, ir.Block]] = []  # (continue target, break target), innermost last
        self.landings: list[ir.Block] = []  # where a failure goes, innermost last; empty: to the caller
        self.handling: list[Handling] = []
        self.parameters = [self.register(kind) for kind in signature.parameters]
        self.block = self.new_block("entry")
        self.blocks.append(self.block)

    # Blocks and control

    def new_block(self, hint: str) -> ir.Block:
        """A block to be placed later, by `begin`."""
        self.registers += 1
        return ir.Block(f"{hint}.{self.registers}")

    def begin(self, block: ir.Block) -> None:
        """Go on in `block`; falls into it from the block at hand."""
        if not self.block.ended:
            self.jump(block)
        self.blocks.append(block)
        self.block = block

    def emit(self, instruction: ir.Instruction) -> None:
        if self.block.ended:
            self.block = self.new_block("dead")
            self.blocks.append(self.block)
        instruction.location = self.location
        self.block.instructions.append(instruction)

    def jump(self, target: ir.Block) -> None:
        self.emit(ir.Jump(target))

    def branch(
        self, condition: Value, then: ir.Block, otherwise: ir.Block, likely: bool | None = None
    ) -> None:
        self.emit(ir.Branch(condition, then, otherwise, likely))

    def panic_unless(self, condition: Value, reason: str, value: Value | None = None) -> None:
        """Go on only if `condition`; else panic for `reason`, reporting `value` (an integer)."""
        bad, good = self.new_block("panic"), self.new_block("fine")
        self.branch(condition, good, bad, likely=True)
        self.blocks.append(bad)
        self.block = bad
        self.panic(reason, value)
        self.blocks.append(good)
        self.block = good

    def panic(self, reason: str, value: Value | None = None) -> None:
        site = self.shared.site(self.location, reason)
        word = self.resize(value, 64) if value is not None else self.word(0)
        if self.shared.options.panics_return:
            self.store(ir.Address(PANIC_DATA), 0, self.cast("ptrtoint", site, WORD), 8)
            self.store(ir.Address(PANIC_DATA), 8, word, 8)
            self.fail(self.word(PANICKED))
        else:
            self.emit(ir.Panic(site, word))

    def fail(self, number: Value) -> None:
        """Leave with a failure, whose fields are already in place."""
        self.write(self.own_slot("failure", WORD), number)
        if self.landings:
            self.jump(self.landings[-1])
        elif self.fails:
            self.return_failure(number)
        else:
            self.emit(ir.Unreachable())  # behind handlers that take all there is

    def return_failure(self, number: Value) -> None:
        result = self.signature.result
        if isinstance(result, ir.Aggregate):
            self.emit(ir.Return(self.compose([number, zero(result.items[1])])))
        else:
            self.emit(ir.Return(number))

    # Values

    def register(self, kind: Kind) -> Register:
        self.registers += 1
        return Register(self.registers, kind)

    def word(self, value: int) -> ir.Literal:
        return ir.Literal(value, WORD)

    def binary(self, operator: str, left: Value, right: Value, exact: str = "") -> Register:
        result = self.register(left.kind)
        self.emit(ir.Binary(result, operator, left, right, exact))
        return result

    def cast(self, operator: str, value: Value, kind: Kind) -> Register:
        result = self.register(kind)
        self.emit(ir.Cast(result, operator, value))
        return result

    def resize(self, value: Value, bits: int, signed: bool = False) -> Value:
        """`value`, an integer, as `bits` bits: truncated, or extended by its sign if `signed`."""
        assert isinstance(value.kind, ir.Int)
        if value.kind.bits == bits:
            return value
        if isinstance(value, ir.Literal):
            pattern = value.value if signed else value.value & (1 << value.kind.bits) - 1
            return ir.Literal(pattern, ir.Int(bits))
        operator = "trunc" if value.kind.bits > bits else "sext" if signed else "zext"
        return self.cast(operator, value, ir.Int(bits))

    def compare(self, predicate: str, left: Value, right: Value) -> Register:
        result = self.register(FLAG)
        self.emit(ir.Compare(result, predicate, left, right))
        return result

    def choose(self, condition: Value, then: Value, otherwise: Value) -> Register:
        result = self.register(then.kind)
        self.emit(ir.Choose(result, condition, then, otherwise))
        return result

    def compose(self, items: list[Value]) -> Register:
        result = self.register(ir.Aggregate(tuple(i.kind for i in items)))
        self.emit(ir.Compose(result, items))
        return result

    def item(self, value: Value, index: int) -> Register:
        assert isinstance(value.kind, ir.Aggregate)
        result = self.register(value.kind.items[index])
        self.emit(ir.Item(result, value, index))
        return result

    # Memory

    def slot(self, name: str, kind: Kind, type: Type | None = None, parameter: int = 0) -> ir.Slot:
        """The slot of this name, made at first use."""
        if name not in self.slots:
            self.slots[name] = ir.Slot(name, kind, type, parameter)
        return self.slots[name]

    def own_slot(self, name: str, kind: Kind) -> ir.Slot:
        """A slot of the compiler's own; its name is none that Python could give."""
        return self.slot(f"{name}'", kind)

    def fresh_slot(self, hint: str, kind: Kind) -> ir.Slot:
        self.registers += 1
        return self.own_slot(f"{hint}.{self.registers}", kind)

    def read(self, slot: ir.Slot) -> Register:
        result = self.register(slot.kind)
        self.emit(ir.ReadSlot(result, slot))
        return result

    def write(self, slot: ir.Slot, value: Value) -> None:
        self.emit(ir.WriteSlot(slot, value))

    def load(self, pointer: Value, offset: int, kind: Kind, alignment: int, device: bool = False) -> Register:
        result = self.register(kind)
        self.emit(ir.Load(result, pointer, offset, alignment, device))
        return result

    def store(self, pointer: Value, offset: int, value: Value, alignment: int, device: bool = False) -> None:
        self.emit(ir.Store(pointer, offset, value, alignment, device))

    def step(self, pointer: Value, offset: Value) -> Value:
        """The address `offset` bytes after `pointer`."""
        if isinstance(offset, ir.Literal) and offset.value == 0:
            return pointer
        result = self.register(POINTER)
        self.emit(ir.Step(result, pointer, offset))
        return result

    # Calls

    def call(self, signature: ir.Signature, arguments: list[Value]) -> Register | None:
        result = self.register(signature.result) if signature.result else None
        self.emit(ir.Call(result, signature.symbol, arguments))
        return result

    def call_checked(self, signature: ir.Signature, arguments: list[Value]) -> Register | None:
        """Call a function that may fail; go on with its result if it did not."""
        returned = self.call(signature, arguments)
        assert returned is not None
        paired = isinstance(returned.kind, ir.Aggregate)
        number = self.item(returned, 0) if paired else returned
        failed, fine = self.new_block("failed"), self.new_block("returned")
        self.branch(self.compare("eq", number, self.word(0)), fine, failed, likely=True)
        self.blocks.append(failed)
        self.block = failed
        self.fail(number)
        self.blocks.append(fine)
        self.block = fine
        return self.item(returned, 1) if paired else None

    def finished(self, inline: bool | None, source: Function | None) -> ir.Function:
        """The function, once everything is written."""
        slots = list(self.slots.values())
        return ir.Function(self.signature, self.parameters, slots, self.blocks, inline, source)


def zero(kind: Kind) -> ir.Literal:
    """The value whose bits are all zero."""
    return ir.Literal(0, kind)
