"""The operations of `pith.metal.machine`, by name: instructions of the processor, loads and stores by address.

In a CPython process there is no machine: there an operation of the processor panics when it is reached, and
those on memory work.
"""

from __future__ import annotations

from collections.abc import Callable

from . import ir
from .ir import FLAG, POINTER, WORD, Value
from .lowering_builder import Builder
from .lowering_memory import check_alignment

_MEMORY = "~{memory}"
_SBI = f"={{a0}},={{a1}},0,1,{{a2}},{{a6}},{{a7}},{_MEMORY}"
_SYSTEM_CALL = ",".join([*(f"={{a{i}}}" for i in range(7)), *map(str, range(7)), "{a7}", _MEMORY])
_INSTRUCTIONS = {
    "fence": ("fence iorw, iorw", _MEMORY),
    "fence_instructions": ("fence.i", _MEMORY),
    "fence_translations": ("sfence.vma", _MEMORY),
    "fence_translation": ("sfence.vma $0, $1", f"r,r,{_MEMORY}"),
    "fence_address_space": ("sfence.vma x0, $0", f"r,{_MEMORY}"),
    "wait_for_interrupt": ("wfi", _MEMORY),
    "end_reservation": ("sc.d zero, zero, ($0)", f"r,{_MEMORY}"),
}
# A trap sets them and nothing else does: they are read where they are wanted, if they are.
_OF_A_TRAP = {"scause", "stval"}
_CSR_CHANGES = {"csr_write": "csrw", "csr_set": "csrs", "csr_clear": "csrc"}


def lower(b: Builder, name: str, values: list[Value], names: list[str]) -> Value | None:
    """The operation `name` on `values`; `names` are those of the arguments that are constant text."""
    if name in _ANYWHERE:
        return _ANYWHERE[name](b, values, names)
    if not b.shared.options.machine:
        b.panic(f"{name} needs a machine: it runs on riscv64 only")
        return None
    return _on_processor(b, name, values, names)


def _on_processor(b: Builder, name: str, values: list[Value], names: list[str]) -> Value | None:
    if name == "csr_read":
        if names[0] in _OF_A_TRAP:
            return _machine(b, WORD, f"csrr $0, {names[0]}", "=r", [], pure=True)
        return _machine(b, WORD, f"csrr $0, {names[0]}", f"=r,{_MEMORY}", [])
    if name == "csr_read_and_clear":
        return _machine(b, WORD, f"csrrc $0, {names[0]}, $1", f"=r,rK,{_MEMORY}", values[1:])
    if name in _CSR_CHANGES:
        return _machine(b, None, f"{_CSR_CHANGES[name]} {names[0]}, $0", f"rK,{_MEMORY}", values[1:])
    if name in _INSTRUCTIONS:
        text, constraints = _INSTRUCTIONS[name]
        return _machine(b, None, text, constraints, values)
    if name == "sbi_call":
        extension, function, *arguments = values
        return _machine(b, ir.Aggregate((WORD,) * 2), "ecall", _SBI, [*arguments, function, extension])
    if name == "system_call":
        number, *arguments = values
        return _machine(b, ir.Aggregate((WORD,) * 7), "ecall", _SYSTEM_CALL, [*arguments, number])
    if name.startswith("device_load"):
        bits = int(name.removeprefix("device_load"))
        pointer = b.cast("inttoptr", values[0], POINTER)
        return b.resize(b.load(pointer, 0, ir.Int(bits), bits // 8, device=True), 64)
    if name.startswith("device_store"):
        bits = int(name.removeprefix("device_store"))
        pointer = b.cast("inttoptr", values[0], POINTER)
        b.store(pointer, 0, b.resize(values[1], bits), bits // 8, device=True)
        return None
    raise TypeError(f"no lowering for the machine operation {name}")


def _machine(
    b: Builder,
    kind: ir.Kind | None,
    text: str,
    constraints: str,
    arguments: list[Value],
    pure: bool = False,
) -> Value | None:
    result = b.register(kind) if kind else None
    b.emit(ir.Machine(result, text, constraints, arguments, pure))
    return result


def _load(b: Builder, values: list[Value], bits: int) -> Value:
    check_alignment(b, values[0], bits // 8, "a word")
    return b.resize(b.load(b.cast("inttoptr", values[0], POINTER), 0, ir.Int(bits), bits // 8), 64)


def _store(b: Builder, values: list[Value], bits: int) -> None:
    check_alignment(b, values[0], bits // 8, "a word")
    b.store(b.cast("inttoptr", values[0], POINTER), 0, b.resize(values[1], bits), bits // 8)


def _zero_memory(b: Builder, values: list[Value], names: list[str]) -> None:
    check_alignment(b, values[0], 8, "memory to clear")
    b.emit(ir.Fill(b.cast("inttoptr", values[0], POINTER), values[1]))


def _copy_memory(b: Builder, values: list[Value], names: list[str]) -> None:
    for value in values[:2]:
        check_alignment(b, value, 8, "memory to copy")
    to, source = (b.cast("inttoptr", v, POINTER) for v in values[:2])
    b.emit(ir.Copy(to, source, values[2]))


def _static_address(b: Builder, values: list[Value], names: list[str]) -> Value:
    if not b.shared.options.machine:
        b.panic(f"the symbol {names[0]} exists only on the metal")
        return b.word(0)
    b.shared.program.externals.add(names[0])
    return b.cast("ptrtoint", ir.Address(names[0]), WORD)


def _panic(b: Builder, values: list[Value], names: list[str]) -> None:
    b.panic(names[0] or "panic")


_ANYWHERE: dict[str, Callable[[Builder, list[Value], list[str]], Value | None]] = {
    "load_u64": lambda b, v, n: _load(b, v, 64),
    "load_u8": lambda b, v, n: _load(b, v, 8),
    "store_u64": lambda b, v, n: _store(b, v, 64),
    "store_u8": lambda b, v, n: _store(b, v, 8),
    "zero_memory": _zero_memory,
    "copy_memory": _copy_memory,
    "static_address": _static_address,
    "panic": _panic,
    "on_metal": lambda b, v, n: ir.Literal(1, FLAG),
}
