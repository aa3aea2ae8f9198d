"""From the IR to LLVM's, as text: one instruction for one.

Text and not an object model, because it is what `pith compile --show llvm` prints, what clang reads for riscv64 and
what llvmlite parses for the host. Registers keep their numbers (`%r7`), slots become allocas (`%x.slot`; LLVM's first
passes make registers of them), failing checks are marked unlikely.

Registers are shared out over the whole program (LLVM's -enable-ipra, see link.py): a caller knows which ones its callee
changes, and a callee keeps none for its caller. That takes functions known to be called only, never jumped to
(`notail`), and not by themselves (`norecurse`). The language has no recursion but one: what a panic does may panic.

An outermost function ends with a call that does not return. To LLVM it returns behind it, for what never
returns is unlikely to LLVM: if all paths were, it would lay the blocks out as they come, checks that fail among them.

Memory is what CPython's is: any reference may alias any other, so no type-based aliasing is declared, and statics
are visible symbols that assembly and addresses computed elsewhere may reach.
"""

from __future__ import annotations

from ..functions import OUTERMOST_FRAME
from . import ir
from .debug_info import DebugInfo
from .ir import Kind, Value

PANIC = "pith_panic"  # the program's own, see lowering.py

RISCV64 = (
    'target datalayout = "e-m:e-p:64:64-i64:64-i128:128-n32:64-S128"\n'
    'target triple = "riscv64-unknown-unknown-elf"\n'
)


def emit(program: ir.Program, *, hosted: bool = False, debug: bool = True) -> str:
    """The program as the text of one LLVM module; `hosted`: for the machine that this runs on."""
    return _Module(program, hosted, DebugInfo() if debug else None).text()


def quoted(name: str) -> str:
    """A symbol's name as LLVM writes it."""
    return '"' + name.replace("\\", "\\5c").replace('"', "\\22") + '"'


def constant_bytes(data: bytes) -> str:
    """Constant bytes as LLVM writes them."""
    shown = "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\{c:02x}" for c in data)
    return f'[{len(data)} x i8] c"{shown}"'


def kind_text(kind: Kind | None) -> str:
    if kind is None:
        return "void"
    if isinstance(kind, ir.Aggregate):
        return "{ " + ", ".join(map(kind_text, kind.items)) + " }" if kind.items else "{}"
    return str(kind)


def value_text(value: Value) -> str:
    """A value without its type."""
    match value:
        case ir.Register(number):
            return f"%r{number}"
        case ir.Address(symbol):
            return "@" + quoted(symbol)
        case ir.Literal(number, ir.Int(1)):
            return "true" if number & 1 else "false"
        case ir.Literal(number, ir.Int(bits)):
            pattern = number & (1 << bits) - 1
            return str(pattern - (1 << bits) if pattern >> bits - 1 else pattern)
        case ir.Literal(number, ir.Pointer()):
            return f"inttoptr (i64 {number} to ptr)" if number else "null"
    return "zeroinitializer"


def typed(value: Value) -> str:
    return f"{kind_text(value.kind)} {value_text(value)}"


def _table(table: ir.Table) -> str:
    """A constant table: its numbers as two's complement, its texts as pointer and length."""
    if isinstance(table.cells[0], int):
        kind = f"i{8 * table.size}"
    else:
        kind = "{ ptr, i64 }"
    cells = ", ".join(f"{kind} {_cell(cell)}" for cell in table.cells)
    head = f"@{quoted(table.symbol)} = private unnamed_addr constant [{len(table.cells)} x {kind}]"
    return f"{head} [{cells}], align {table.alignment}"


def _cell(cell: ir.Cell) -> str:
    return str(cell) if isinstance(cell, int) else f"{{ {typed(cell[0])}, i64 {cell[1]} }}"


class _Module:
    """Collects the module's parts; what instructions turn out to need is declared at the end."""

    def __init__(self, program: ir.Program, hosted: bool, debug: DebugInfo | None) -> None:
        self.program = program
        self.hosted = hosted
        self.debug = debug
        self.declared: dict[str, str] = {}  # intrinsic: its declaration
        self.signatures = {f.signature.symbol: f.signature for f in program.functions}
        self.signatures |= {s.symbol: s for s in program.declared}
        self.in_panic = _reachable(program, PANIC)

    def text(self) -> str:
        functions = [_Function(self, f).text() for f in self.program.functions]
        parts = [
            "" if self.hosted else RISCV64,
            *map(self._assembly, self.program.assembly),
            *map(self._data, self.program.data),
            *(
                f"@{quoted(symbol)} = private unnamed_addr constant {constant_bytes(text)}"
                for text, symbol in self.program.texts.items()
            ),
            *map(_table, self.program.tables.values()),
            *map(self._site, self.program.sites.values()),
            *(f"@{quoted(s)} = external dso_local global i8" for s in sorted(self._foreign())),
            *functions,
            self._kept(),
            *map(self._declaration, self.program.declared),
            *self.declared.values(),
            'attributes #0 = { nounwind null_pointer_is_valid "no-trapping-math"="true" }',
            "attributes #1 = { nounwind cold noreturn }",
            '!0 = !{!"branch_weights", i32 4000, i32 1}',
            '!1 = !{!"branch_weights", i32 1, i32 4000}',
        ]
        if self.debug:
            parts.append(self.debug.text())
        return "\n".join(p for p in parts if p) + "\n"

    def _foreign(self) -> set[str]:
        """The symbols whose address is taken and that the program does not define itself."""
        return self.program.externals - self.signatures.keys() - {data.symbol for data in self.program.data}

    def _assembly(self, function: tuple[str, str]) -> str:
        symbol, body = function
        lines = [
            f".section .text.{symbol},\"ax\",@progbits", f".globl {symbol}", f".type {symbol},@function", ".p2align 2",
            f"{symbol}:", *body.strip("\n").splitlines(), f".size {symbol}, . - {symbol}", ".text",
        ]  # fmt: skip
        escape = {ord("\\"): "\\5c", ord('"'): "\\22", ord("\t"): " "}
        return "\n".join(f'module asm "{line.translate(escape)}"' for line in lines)

    def _data(self, data: ir.Data) -> str:
        if data.address is not None:
            return ""
        note = self.debug.static(data) if self.debug and data.type else ""
        symbol = quoted(data.symbol)
        return (
            f"@{symbol} = dso_local global [{data.size} x i8] zeroinitializer, align {data.alignment}{note}"
        )

    def _site(self, site: ir.Site) -> str:
        texts = [(site.file.encode(), "file"), (site.reason.encode(), "reason")]
        lines = [
            f"@{quoted(f'{site.symbol}.{name}')} = private unnamed_addr constant {constant_bytes(data)}"
            for data, name in texts
        ]
        file, reason = (f"ptr @{quoted(f'{site.symbol}.{name}')}, i64 {len(data)}" for data, name in texts)
        record = f"{{ {file}, i64 {site.line}, {reason} }}"
        lines.append(
            f"@{quoted(site.symbol)} = private unnamed_addr constant {{ ptr, i64, i64, ptr, i64 }} {record}"
        )
        return "\n".join(lines)

    def _declaration(self, s: ir.Signature) -> str:
        parameters = ", ".join(map(kind_text, s.parameters))
        return f"declare dso_local {kind_text(s.result)} @{quoted(s.symbol)}({parameters}) nounwind"

    def _kept(self) -> str:
        if not self.program.kept:
            return ""
        names = ", ".join(f"ptr @{quoted(symbol)}" for symbol in self.program.kept)
        kind = f"[{len(self.program.kept)} x ptr]"
        return f'@llvm.used = appending global {kind} [{names}], section "llvm.metadata"'

    def need(self, name: str, declaration: str) -> None:
        """Have `name` declared, unless the program defines it."""
        if name not in self.signatures:
            self.declared.setdefault(name, declaration)


class _Function:
    """Writes one function."""

    def __init__(self, module: _Module, function: ir.Function) -> None:
        self.module = module
        self.function = function
        self.scope = module.debug.function(function) if module.debug else ""
        self.lines: list[str] = []

    def text(self) -> str:
        function, signature = self.function, self.function.signature
        parameters = ", ".join(
            f"{kind_text(p.kind)}{_range(r)} {value_text(p)}"
            for p, r in zip(function.parameters, self._ranges(), strict=True)
        )
        convention = self._convention(signature)
        # What keeps registers for its callers must do so: of an internal function LLVM knows all callers, and drops it.
        keeps = convention == "preserve_mostcc"
        linkage = "dso_local" if signature.exported else "hidden" if keeps else "internal"
        advice = {True: " alwaysinline", False: " noinline", None: ""}[function.inline]
        advice += "" if signature.returns or function.outermost else " noreturn"
        advice += "" if signature.symbol in self.module.in_panic else " norecurse"
        advice += f' naked "warn-stack-size"="{OUTERMOST_FRAME}"' if function.outermost else ""
        known = " nonnull" if signature.never_null else _range(signature.result_range)
        result = f"{known} {kind_text(signature.result)}".strip()
        name = quoted(signature.symbol)
        note = f" !dbg {self.scope}" if self.scope else ""
        head = f"\ndefine {linkage} {convention} {result} @{name}({parameters}) #0{advice}{note} {{"
        for block in function.blocks:
            self.lines.append(f"{quoted(block.name)}:")
            if block is function.blocks[0]:
                self._slots()
            for instruction in block.instructions:
                self._instruction(instruction)
        return "\n".join([head, *self.lines, "}"])

    def _convention(self, signature: ir.Signature) -> str:
        """How the function is called. On the host, all that is not C is `fastcc`: speed is not for tests.

        LLVM's preserve_mostcc for riscv64 restores a0 and a1 even over a result; so it is for results in memory only.
        """
        if signature.exported:
            return "ccc"
        keeps = signature.cold and not self.module.hosted and not _in_registers(signature.result)
        return "preserve_mostcc" if keeps else "fastcc"

    def _ranges(self) -> list[tuple[int, int] | None]:
        return self.function.signature.ranges or [None] * len(self.function.parameters)

    def _slots(self) -> None:
        for slot in self.function.slots:
            self.lines.append(f"  {_slot(slot)} = alloca {kind_text(slot.kind)}")
        if self.module.debug and self.scope:
            for slot in self.function.slots:
                is_named = slot.name.isidentifier()  # others are the compiler's own
                if is_named and slot.type is not None and self.function.source is not None:
                    self.lines.append(
                        "  " + self.module.debug.variable(_slot(slot), slot, self.function, self.scope)
                    )

    def _add(self, text: str) -> None:
        self.lines.append(f"  {text}{self.note}")

    def _instruction(self, instruction: ir.Instruction) -> None:
        self.note = ""
        if self.module.debug and self.scope:
            location = self.module.debug.location(instruction.location, self.function, self.scope)
            self.note = f", !dbg {location}"
        match instruction:
            case ir.Jump(target):
                self._add(f"br {_label(target)}")
            case ir.Branch():
                self._branch(instruction)
            case ir.Switch(value, cases, default):
                arms = " ".join(f"{typed(ir.Literal(n, value.kind))}, {_label(block)}" for n, block in cases)
                self._add(f"switch {typed(value)}, {_label(default)} [ {arms} ]")
            case ir.Return(value):
                self._add(f"ret {typed(value)}" if value is not None else "ret void")
            case ir.Panic(site, value):
                self._panic(site, value)
            case ir.Unreachable():
                self._add("ret void" if self.function.outermost else "unreachable")
            case ir.ReadSlot(result, slot):
                self._add(f"{value_text(result)} = load {kind_text(result.kind)}, ptr {_slot(slot)}")
            case ir.WriteSlot(slot, value):
                self._add(f"store {typed(value)}, ptr {_slot(slot)}")
            case ir.Load() | ir.Store() | ir.Step() | ir.Fill() | ir.Copy():
                self._memory(instruction)
            case ir.Call() | ir.Machine():
                self._call(instruction)
            case _:
                self._value(instruction)

    def _panic(self, site: ir.Address, value: Value) -> None:
        """Call the program's own `pith_panic`, whose first parameter is a number or a reference."""
        self.module.need(PANIC, f"declare dso_local void @{PANIC}(i64, i64) #1")
        own = self.module.signatures.get(PANIC)
        is_pointer = own is not None and isinstance(own.parameters[0], ir.Pointer)
        record = typed(site) if is_pointer else f"i64 ptrtoint ({typed(site)} to i64)"
        self._add(f"call void @{PANIC}({record}, {typed(value)}) #1")
        self._add("unreachable")

    def _branch(self, i: ir.Branch) -> None:
        weights = {True: ", !prof !0", False: ", !prof !1", None: ""}[i.likely]
        self._add(f"br {typed(i.condition)}, {_label(i.then)}, {_label(i.otherwise)}{weights}")

    def _value(self, instruction: ir.Instruction) -> None:
        match instruction:
            case ir.Binary(result, operator, left, right, exact):
                words = " ".join(w for w in (operator, exact, typed(left)) if w)
                self._add(f"{value_text(result)} = {words}, {value_text(right)}")
            case ir.Cast(result, operator, value):
                self._add(f"{value_text(result)} = {operator} {typed(value)} to {kind_text(result.kind)}")
            case ir.Compare(result, predicate, left, right):
                self._add(f"{value_text(result)} = icmp {predicate} {typed(left)}, {value_text(right)}")
            case ir.Choose(result, condition, then, otherwise):
                arms = f"{typed(then)}, {typed(otherwise)}"
                self._add(f"{value_text(result)} = select {typed(condition)}, {arms}")
            case ir.Count(result, operator, value):
                extra = (", i1 false", ", i1") if operator == "ctlz" else ("", "")
                self._intrinsic(
                    result, operator, result.kind, typed(value) + extra[0], f"{result.kind}{extra[1]}"
                )
            case ir.Overflowing(result, operator, left, right):
                arguments = f"{typed(left)}, {typed(right)}"
                self._intrinsic(
                    result, f"{operator}.with.overflow", left.kind, arguments, f"{left.kind}, {left.kind}"
                )
            case ir.Compose(result, items):
                self._compose(result, items)
            case ir.Item(result, value, index):
                self._add(f"{value_text(result)} = extractvalue {typed(value)}, {index}")
            case _:
                raise TypeError(f"no LLVM for {type(instruction).__name__}")

    def _compose(self, result: ir.Register, items: list[Value]) -> None:
        whole = "poison"
        for index, item in enumerate(items):
            last = index == len(items) - 1
            name = value_text(result) + ("" if last else f".{index}")
            self._add(f"{name} = insertvalue {kind_text(result.kind)} {whole}, {typed(item)}, {index}")
            whole = name

    def _intrinsic(self, result: ir.Register, name: str, kind: Kind, arguments: str, parameters: str) -> None:
        symbol = f"llvm.{name}.{kind_text(kind)}"
        shown = kind_text(result.kind)
        self.module.need(symbol, f"declare {shown} @{symbol}({parameters})")
        self._add(f"{value_text(result)} = call {shown} @{symbol}({arguments})")

    def _memory(self, instruction: ir.Instruction) -> None:
        match instruction:
            case ir.Load(result, pointer, offset, alignment, device):
                place = self._place(pointer, offset, f"{value_text(result)}.at")
                volatile = " volatile" if device else ""
                self._add(
                    f"{value_text(result)} = load{volatile} {kind_text(result.kind)}, {place}, align {alignment}"
                )
            case ir.Store(pointer, offset, value, alignment, device):
                place = self._place(pointer, offset, f"%s{len(self.lines)}.at")
                volatile = " volatile" if device else ""
                self._add(f"store{volatile} {typed(value)}, {place}, align {alignment}")
            case ir.Step(result, pointer, offset):
                self._add(f"{value_text(result)} = getelementptr nuw i8, {typed(pointer)}, {typed(offset)}")
            case ir.Fill(pointer, length):
                self.module.need("llvm.memset", "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
                self._add(
                    f"call void @llvm.memset.p0.i64(ptr align 8 {value_text(pointer)}, i8 0, "
                    f"{typed(length)}, i1 false)"
                )
            case ir.Copy(to, source, length):
                self.module.need("llvm.memmove", "declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)")
                self._add(
                    f"call void @llvm.memmove.p0.p0.i64(ptr align 8 {value_text(to)}, "
                    f"ptr align 8 {value_text(source)}, {typed(length)}, i1 false)"
                )

    def _place(self, pointer: Value, offset: int, name: str) -> str:
        """The operand for `pointer` + `offset`."""
        if offset == 0:
            return typed(pointer)
        self._add(f"{name} = getelementptr nuw i8, {typed(pointer)}, i64 {offset}")
        return f"ptr {name}"

    def _call(self, instruction: ir.Instruction) -> None:
        assert isinstance(instruction, ir.Call | ir.Machine)
        arguments = ", ".join(map(typed, instruction.arguments))
        result = instruction.result
        head = f"{value_text(result)} = " if result else ""
        shown = kind_text(result.kind if result else None)
        if isinstance(instruction, ir.Machine):
            effect = "" if instruction.pure else " sideeffect"
            text = f'asm{effect} "{instruction.text}", "{instruction.constraints}"'
            self._add(f"{head}call {shown} {text}({arguments})")
            return
        signature = self.module.signatures[instruction.symbol]
        how = "call" if signature.exported else f"notail call {self._convention(signature)}"
        seldom = " cold" if signature.cold else ""  # so what leads there stands out of the way
        self._add(f"{head}{how} {shown} @{quoted(instruction.symbol)}({arguments}){seldom}")
        if signature.never_null and result is not None:  # known still when the call is inlined
            self.module.need("llvm.assume", "declare void @llvm.assume(i1)")
            self._add(f'call void @llvm.assume(i1 true) [ "nonnull"({typed(result)}) ]')


def _reachable(program: ir.Program, root: str) -> set[str]:
    """The symbols of all functions that the one called `root` calls, and those call; itself among them."""
    functions = {function.signature.symbol: function for function in program.functions}
    reached: set[str] = set()
    pending = [root]
    while pending:
        symbol = pending.pop()
        if symbol in functions and symbol not in reached:
            reached.add(symbol)
            instructions = (i for block in functions[symbol].blocks for i in block.instructions)
            pending += [
                instruction.symbol for instruction in instructions if isinstance(instruction, ir.Call)
            ]
    return reached


def _in_registers(result: Kind | None) -> bool:
    """Whether a function returns this in a0 and a1."""
    return result is not None and _words(result) <= 2


def _words(kind: Kind) -> int:
    if isinstance(kind, ir.Aggregate):
        return sum(map(_words, kind.items))
    return -(-kind.bits // 64) if isinstance(kind, ir.Int) else 1


def _range(known: tuple[int, int] | None) -> str:
    return f" range(i64 {known[0]}, {known[1] + 1})" if known else ""


def _slot(slot: ir.Slot) -> str:
    return "%" + quoted(f"{slot.name}.slot")


def _label(block: ir.Block) -> str:
    return "label %" + quoted(block.name)
