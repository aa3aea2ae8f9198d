"""The compiler: metal Python to riscv64 object code, in rooms that can each be read alone.

    source ──reader──▶ typed tree ──lowering──▶ small IR ──llvm──▶ LLVM IR ──link──▶ object, ELF

`tree.py` and `ir.py` define the two forms in the middle; `pith compile FILE --show tree|ir|llvm|asm` prints each.
"""
