"""Debug information: LLVM metadata from which a debugger shows the Python line, the locals, the structs.

The types are described as they lie in memory (fields) or in registers (locals: integers are whole words). A packed
value is a structure of bit-fields. A union of packed values is a union of those, with their tag before them: an enumeration
whose members have the names of the union's, so that a debugger can tell which one it is (lab/gdb_commands.py does). Metadata
nodes are numbered lines.
"""

from __future__ import annotations

import os

from .. import types
from ..types import Integer, Type
from . import ir
from .lowering_types import kind_of, record_types, value_kind
from .tree import Location

FIRST_NODE = 2  # the nodes before are the emitter's own
UNION_TAG = "tag"  # the name by which a debugger knows that a union is one of packed values
_LANGUAGE = "DW_LANG_Python"


class DebugInfo:
    """Collects the metadata of one module."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.known: dict[object, str] = {}
        self.statics: list[str] = []
        self.unit = self._reserve()

    def text(self) -> str:
        """All nodes, as the end of a module."""
        file = self._file("")
        listed = self._node("!{" + ", ".join(self.statics) + "}")
        self._fill(
            self.unit,
            f'distinct !DICompileUnit(language: {_LANGUAGE}, file: {file}, producer: "pith", isOptimized: true, '
            f"runtimeVersion: 0, emissionKind: FullDebug, globals: {listed})",
        )
        version = self._node('!{i32 2, !"Debug Info Version", i32 3}')
        dwarf = self._node('!{i32 7, !"Dwarf Version", i32 4}')
        lines = [f"!llvm.dbg.cu = !{{{self.unit}}}", f"!llvm.module.flags = !{{{version}, {dwarf}}}"]
        return "\n".join(lines + [f"!{i + FIRST_NODE} = {node}" for i, node in enumerate(self.nodes)])

    def _reserve(self) -> str:
        self.nodes.append("")
        return f"!{len(self.nodes) - 1 + FIRST_NODE}"

    def _fill(self, name: str, text: str) -> None:
        self.nodes[int(name[1:]) - FIRST_NODE] = text

    def _node(self, text: str) -> str:
        if text not in self.known:
            name = self._reserve()
            self._fill(name, text)
            self.known[text] = name
        return self.known[text]

    def _file(self, path: str) -> str:
        directory, name = os.path.split(path or "pith")
        return self._node(f"!DIFile(filename: {_text(name)}, directory: {_text(directory)})")

    # Functions, places, variables

    def function(self, function: ir.Function) -> str:
        """The function's subprogram."""
        source = function.source
        location = source.location if source else None
        name = source.name if source else function.signature.symbol
        subroutine = self._node("!DISubroutineType(types: !{})")
        scope = self._reserve()
        file = self._file(location.file if location else "")
        line = location.line if location else 0
        local = "" if function.signature.exported else "DISPFlagLocalToUnit | "
        self._fill(
            scope,
            f"distinct !DISubprogram(name: {_text(name)}, linkageName: {_text(function.signature.symbol)}, "
            f"scope: {file}, file: {file}, line: {line}, type: {subroutine}, scopeLine: {line}, "
            f"spFlags: {local}DISPFlagDefinition | DISPFlagOptimized, unit: {self.unit})",
        )
        return scope

    def location(self, location: Location | None, function: ir.Function, scope: str) -> str:
        """A place in the source, inside a function."""
        if location is None and function.source:
            location = function.source.location
        line, column = (location.line, location.column) if location else (0, 0)
        return self._node(f"!DILocation(line: {line}, column: {column}, scope: {scope})")

    def variable(self, operand: str, slot: ir.Slot, function: ir.Function, scope: str) -> str:
        """The record that says where a local lives."""
        assert function.source is not None and slot.type is not None
        location = function.source.location
        argument = f"arg: {slot.parameter}, " if slot.parameter else ""
        node = self._node(
            f"!DILocalVariable(name: {_text(slot.name)}, {argument}scope: {scope}, "
            f"file: {self._file(location.file)}, line: {location.line}, type: {self._type(slot.type, False)})"
        )
        place = self.location(location, function, scope)
        return f"#dbg_declare(ptr {operand}, {node}, !DIExpression(), {place})"

    def static(self, data: ir.Data) -> str:
        """Describe a static; what to append to its definition."""
        assert data.type is not None
        variable = self._node(
            f"distinct !DIGlobalVariable(name: {_text(data.symbol.rpartition('.')[2])}, "
            f"linkageName: {_text(data.symbol)}, scope: {self.unit}, file: {self._file('')}, line: 0, "
            f"type: {self._type(data.type, True)}, isLocal: false, isDefinition: true)"
        )
        node = self._node(f"!DIGlobalVariableExpression(var: {variable}, expr: !DIExpression())")
        self.statics.append(node)
        return f", !dbg {node}"

    # Types

    def _type(self, kind: Type, stored: bool) -> str:
        """A type's node: as it lies in memory (`stored`), or in registers."""
        key = (kind, stored)
        if key not in self.known:
            if isinstance(kind, types.Embedded):
                self.known[key] = self._reserve()  # a struct may lead back to itself
                self._fill(self.known[key], self._struct(kind))
            else:
                self.known[key] = self._node(self._described(kind, stored))
        return self.known[key]

    def _described(self, kind: Type, stored: bool) -> str:
        match kind:
            case Integer():
                bits = 8 * kind.size if stored and kind.size else _register_bits(kind)
                encoding = "DW_ATE_signed" if kind.signed else "DW_ATE_unsigned"
                return _basic(f"{'i' if kind.signed else 'u'}{kind.bits}", bits, encoding)
            case types.Boolean():
                return _basic("bool", 8, "DW_ATE_boolean")
            case types.Enumeration(cls):
                bits = 8 * kind.size if stored else _register_bits(kind)
                return self._enumeration(kind, cls.__name__, bits)
            case types.Reference(cls):
                return self._pointer(self._type(types.Embedded(cls), True))
            case types.PackedValue(cls):
                return self._packed(cls)
            case types.PackedUnion(variants):
                members = [
                    self._member(v.__name__, self._type(types.PackedValue(v), True), kind.bits)
                    for v in variants
                ]
                return self._made_of("DW_TAG_union_type", "union", kind.bits, [self._tag(kind), *members])
            case types.View(element, int(length)) if stored:
                subrange = self._node(f"!{{!DISubrange(count: {length})}}")
                base = self._type(element, True)
                return (
                    f"!DICompositeType(tag: DW_TAG_array_type, baseType: {base}, size: {8 * kind.size}, "
                    f"elements: {subrange})"
                )
            case types.View(element, int()):
                return self._pointer(self._type(element, True))
            case types.View(element):
                return self._row("array", self._type(element, True))
            case types.Text():
                return self._row("str", self._node(_basic("char", 8, "DW_ATE_unsigned_char")))
            case types.Record(cls):
                return self._record(kind, cls.__name__, list(cls.__dataclass_fields__))  # type: ignore[attr-defined]
            case types.Tuple(items):
                return self._record(kind, "tuple", [f"item{i}" for i in range(len(items))])
        return _basic("None", 64, "DW_ATE_unsigned")

    def _pointer(self, base: str) -> str:
        return f"!DIDerivedType(tag: DW_TAG_pointer_type, baseType: {base}, size: 64)"

    def _composite(self, tag: str, name: str, bits: int, members: list[tuple[str, str, int, int]]) -> str:
        """A structure or union of (name, type, bits, bit offset)."""
        return self._made_of(tag, name, bits, [self._member(*member) for member in members])

    def _made_of(self, tag: str, name: str, bits: int, members: list[str]) -> str:
        elements = self._node("!{" + ", ".join(members) + "}")
        return f"!DICompositeType(tag: {tag}, name: {_text(name)}, size: {bits}, elements: {elements})"

    def _member(self, name: str, base: str, bits: int, at: int = 0) -> str:
        return self._node(
            f"!DIDerivedType(tag: DW_TAG_member, name: {_text(name)}, baseType: {base}, size: {bits}, offset: {at})"
        )

    def _bit_field(self, name: str, base: str, bits: int, at: int, word: int) -> str:
        """Some bits, `at` so many from the start of a value that is accessed a word of so many bits at a time."""
        return self._node(
            f"!DIDerivedType(tag: DW_TAG_member, name: {_text(name)}, baseType: {base}, size: {bits}, offset: {at}, "
            f"flags: DIFlagBitField, extraData: i64 {at // word * word})"
        )

    def _tag(self, kind: types.PackedUnion) -> str:
        tags = {v.__name__: v.__tag__ for v in kind.variants}  # type: ignore[attr-defined]
        word = min(kind.bits, 64)
        return self._bit_field(
            UNION_TAG, self._node(self._enumerated("tag", word, tags)), kind.tag_bits, 0, word
        )

    def _struct(self, kind: types.Embedded) -> str:
        layout = kind.cls.layout()  # type: ignore[attr-defined]
        members = [
            (f.name, self._type(f.type, True), 8 * f.type.size, 8 * f.offset) for f in layout.fields.values()
        ]
        return "distinct " + self._composite(
            "DW_TAG_structure_type", kind.cls.__name__, 8 * layout.size, members
        )

    def _enumeration(self, kind: types.Enumeration, name: str, bits: int) -> str:
        values = {member.name: int(member) for member in kind.cls}
        return self._enumerated(name, bits, values, signed=kind.storage.signed)

    def _enumerated(self, name: str, bits: int, values: dict[str, int], *, signed: bool = False) -> str:
        letter, encoding = ("i", "DW_ATE_signed") if signed else ("u", "DW_ATE_unsigned")
        base = self._node(_basic(f"{letter}{bits}", bits, encoding))
        unsigned = "" if signed else ", isUnsigned: true"
        members = ", ".join(
            self._node(f"!DIEnumerator(name: {_text(n)}, value: {v}{unsigned})") for n, v in values.items()
        )
        elements = self._node(f"!{{{members}}}")
        return (
            f"!DICompositeType(tag: DW_TAG_enumeration_type, name: {_text(name)}, baseType: {base}, "
            f"size: {bits}, elements: {elements})"
        )

    def _packed(self, cls: type) -> str:
        bits = types.PackedValue(cls).bits
        members = []
        for item in cls.layout().values():  # type: ignore[attr-defined]
            named = item.type if isinstance(item.type, types.Enumeration) else _word_like(item.signed)
            base = self._type(named, False)
            members.append(self._bit_field(item.name, base, item.width, item.at, min(bits, 64)))
        return self._made_of("DW_TAG_structure_type", cls.__name__, bits, members)

    def _row(self, name: str, element: str) -> str:
        pointer = self._node(self._pointer(element))
        members = [("address", pointer, 64, 0), ("length", self._type(_word_like(False), False), 64, 64)]
        return self._composite("DW_TAG_structure_type", name, 128, members)

    def _record(self, kind: types.Record | types.Tuple, name: str, names: list[str]) -> str:
        members, at = [], 0
        for item_name, item in zip(names, record_types(kind), strict=True):
            size, alignment = _extent(value_kind(item))
            at = -(-at // alignment) * alignment
            members.append((item_name, self._type(item, False), size, at))
            at += size
        size, _ = _extent(value_kind(kind))
        return self._composite("DW_TAG_structure_type", name, size, members)


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\5c").replace('"', "\\22") + '"'


def _basic(name: str, bits: int, encoding: str) -> str:
    return f"!DIBasicType(name: {_text(name)}, size: {bits}, encoding: {encoding})"


def _register_bits(kind: Type) -> int:
    shape = kind_of(kind)
    assert isinstance(shape, ir.Int)
    return shape.bits


def _word_like(signed: bool) -> Integer:
    return Integer(-(1 << 63), (1 << 63) - 1) if signed else Integer(0, (1 << 64) - 1)


def _extent(kind: ir.Kind) -> tuple[int, int]:
    """Size and alignment in bits of a register kind in an LLVM aggregate."""
    match kind:
        case ir.Int(bits):
            size = max(8, bits)
            return size, min(size, 128)
        case ir.Aggregate(items):
            at, alignment = 0, 8
            for item in items:
                size, own = _extent(item)
                at = -(-at // own) * own + size
                alignment = max(alignment, own)
            return -(-at // alignment) * alignment, alignment
    return 64, 64
