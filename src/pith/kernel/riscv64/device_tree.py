"""The device tree: what the firmware says of the board, and the little of it that a kernel needs.

The tree is a run of tokens: a node begins (with its name), has properties, contains nodes, ends. One pass over the tokens is
enough: what a node says about itself (`Node`) is complete when its first child begins or it ends, and then `_conclude`
notes in `board` what it was about. A property counts cells in the sizes that its parent set, so the sizes are kept for each
depth. Devicetree Specification 0.4, chapter 5. The tree comes from firmware and is believed, as far as it stays inside its
own length; a tree without what the kernel needs stops the boot with the name of what is missing.
"""

from __future__ import annotations

from typing import Final

from pith.metal import Array, Struct, array, static, u8, u32, u40, u64
from pith.metal.machine import load_u8, panic

MAGIC: Final = 0xD00DFEED
BEGIN_NODE: Final = 1
END_NODE: Final = 2
PROPERTY: Final = 3
NOTHING: Final = 4
END: Final = 9
DEEPEST: Final = 16
REGIONS: Final = 16
SUPERVISOR_EXTERNAL: Final = 9  # the cause that an interrupt controller's output raises


class Region(Struct):
    """Physical addresses start..end-1."""

    start: u64
    end: u64


class Board(Struct):
    """What the tree told. Addresses are physical; 0 means that the tree did not say."""

    memory: Array[Region] = array(REGIONS)
    memory_count: u8
    reserved: Array[Region] = array(REGIONS)
    reserved_count: u8
    timebase: u64  # ticks of the clock in a second
    plic: u64
    plic_end: u64
    plic_context: u32  # which output of the controller is this hart's supervisor mode
    has_plic_context: bool
    clint: u64
    clint_end: u64
    test_device: u64  # SiFive's, which ends QEMU with a status
    has_sstc: bool


class Node(Struct):
    """What the node being read has said about itself; addresses of values, 0 when not said."""

    reg: u64
    reg_length: u32
    compatible: u64
    compatible_length: u32
    interrupts: u64
    interrupts_length: u32
    is_memory: bool
    is_reserved: bool


class Scan(Struct):
    """Where the pass stands; the cell sizes that each depth gave to its children."""

    position: u64  # of the next token
    end: u64
    strings: u64  # the names of properties
    depth: u8
    reserved_depth: u8  # depth of /reserved-memory while inside it, else 0
    address_cells: Array[u8] = array(DEEPEST)
    size_cells: Array[u8] = array(DEEPEST)


board: Final = static(Board)
_node: Final = static(Node)
_scan: Final = static(Scan)


def read(address: u64, size: u64) -> None:
    """Fill `board` from the tree at `address`; panics where the kernel cannot do without what is missing."""
    if size < 40 or cell(address) != MAGIC:
        panic("device tree: there is none where the loader says, or its magic number is wrong")
    if cell(address + 4) > size:
        panic("device tree: it is longer than the loader says")
    _scan.end = address + size
    _scan.position = address + cell(address + 8)
    _scan.strings = address + cell(address + 12)
    _scan.depth = 0
    while _step():
        pass
    if board.memory_count == 0:
        panic("device tree: no memory node: add /memory@... with device_type and reg")
    if board.timebase == 0:
        panic("device tree: no timebase-frequency in /cpus")
    if board.plic == 0:
        panic("device tree: no interrupt controller compatible with riscv,plic0")
    if not board.has_plic_context:
        panic("device tree: the interrupt controller reaches no supervisor mode")


def _step() -> bool:
    """Read one token; False at the end of the tree."""
    token = _take_cell()
    if token == BEGIN_NODE:
        _conclude()
        _begin_node()
    elif token == PROPERTY:
        _property()
    elif token == END_NODE:
        _conclude()
        if _scan.depth == 0:
            panic("device tree: a node ends that did not begin")
        if _scan.depth == _scan.reserved_depth:
            _scan.reserved_depth = 0
        _scan.depth -= 1
    elif token != NOTHING:
        return False
    return True


def _begin_node() -> None:
    name = _scan.position
    _scan.position = (name + length_of(name) + 1 + 3) & ~3 & 0xFFFF_FFFF_FFFF_FFFF
    _scan.depth += 1
    if _scan.depth >= DEEPEST:
        panic("device tree: nodes are nested too deeply")
    _scan.address_cells[_scan.depth] = 2
    _scan.size_cells[_scan.depth] = 1
    _node.reg = 0
    _node.compatible = 0
    _node.interrupts = 0
    _node.is_memory = False
    _node.is_reserved = _scan.reserved_depth > 0
    if _scan.depth == 2 and equals(name, "reserved-memory"):
        _scan.reserved_depth = _scan.depth


def _property() -> None:
    """Note what the property says of the node, or of the board at once."""
    length = _take_cell()
    name = _scan.strings + _take_cell()
    value = _scan.position
    if value + length > _scan.end:
        panic("device tree: a property reaches beyond its end")
    _scan.position = (value + length + 3) & ~3 & 0xFFFF_FFFF_FFFF_FFFF
    if equals(name, "#address-cells"):
        _scan.address_cells[_scan.depth] = min(cell(value), 4)
    elif equals(name, "#size-cells"):
        _scan.size_cells[_scan.depth] = min(cell(value), 4)
    elif equals(name, "timebase-frequency"):
        board.timebase = _number(value, length)
    elif equals(name, "reg"):
        _node.reg = value
        _node.reg_length = length
    elif equals(name, "compatible"):
        _node.compatible = value
        _node.compatible_length = length
    elif equals(name, "interrupts-extended"):
        _node.interrupts = value
        _node.interrupts_length = length
    elif equals(name, "device_type"):
        _node.is_memory = equals(value, "memory")
    elif equals(name, "riscv,isa"):
        board.has_sstc = contains(value, length, "sstc")


def _number(value: u64, length: u32) -> u64:
    """A property that is one number, of one cell or two."""
    if length == 4:
        return cell(value)
    if length != 8:
        panic("device tree: timebase-frequency is neither one cell nor two")
    return cell(value) << 32 | cell(value + 4)


def _conclude() -> None:
    """The node has said all about itself: note what the kernel needs of it, and forget it."""
    if _node.reg > 0 and _scan.depth > 0:
        if _node.is_memory:
            board.memory_count = _add_regions(board.memory, board.memory_count)
        elif _node.is_reserved:
            board.reserved_count = _add_regions(board.reserved, board.reserved_count)
        elif _is_compatible("riscv,plic0") or _is_compatible("sifive,plic-1.0.0"):
            board.plic = _reg_cells(0, _parent_address_cells())
            board.plic_end = board.plic + _reg_cells(_parent_address_cells(), _parent_size_cells())
            _find_context()
        elif _is_compatible("riscv,clint0") or _is_compatible("sifive,clint0"):
            board.clint = _reg_cells(0, _parent_address_cells())
            board.clint_end = board.clint + _reg_cells(_parent_address_cells(), _parent_size_cells())
        elif _is_compatible("sifive,test0"):
            board.test_device = _reg_cells(0, _parent_address_cells())
    _node.reg = 0


def _find_context() -> None:
    """The controller's outputs are listed in order as (target, cause); ours is the first supervisor one."""
    for index in range(_node.interrupts_length // 8):
        if cell(_node.interrupts + 8 * index + 4) == SUPERVISOR_EXTERNAL and not board.has_plic_context:
            board.plic_context = index
            board.has_plic_context = True


def _add_regions(regions: Array[Region], count: u8) -> u8:
    """Add every region of the node's `reg`; return how many there are now."""
    address_cells, size_cells = _parent_address_cells(), _parent_size_cells()
    entry = address_cells + size_cells
    if entry == 0:
        return count
    for index in range(_node.reg_length // 4 // entry):
        start = _reg_cells(index * entry, address_cells)
        size = _reg_cells(index * entry + address_cells, size_cells)
        if size > 0:
            if count >= REGIONS:
                panic("device tree: more memory regions than the kernel has room for")
            regions[count].start = start
            regions[count].end = start + size
            count += 1
    return count


def _parent_address_cells() -> u8:
    return _scan.address_cells[_scan.depth - 1]


def _parent_size_cells() -> u8:
    return _scan.size_cells[_scan.depth - 1]


def _reg_cells(first: u64, count: u8) -> u40:
    """The number in `count` cells of `reg` from cell `first` on; it must be a physical address."""
    number: u64 = 0
    for index in range(count):
        number = ((number << 32) | cell(_node.reg + 4 * (first + index))) & 0xFFFF_FFFF_FFFF_FFFF
    return number


def _is_compatible(name: str) -> bool:
    """Whether the node names itself so; `compatible` is a list of texts, each ended by a zero byte."""
    if _node.compatible == 0:
        return False
    position: u64 = _node.compatible
    end = _node.compatible + _node.compatible_length
    while position < end:
        if equals(position, name):
            return True
        position += length_of(position) + 1
    return False


# Bytes ----------------------------------------------------------------------------------------------------


def cell(address: u64) -> u32:
    """The big-endian number in the four bytes at `address`."""
    return (
        load_u8(address) << 24 | load_u8(address + 1) << 16 | load_u8(address + 2) << 8 | load_u8(address + 3)
    )


def _take_cell() -> u32:
    """The next cell of the tokens; the end of the tree if there is no more."""
    if _scan.position + 4 > _scan.end:
        return END
    value = cell(_scan.position)
    _scan.position += 4
    return value


def length_of(text: u64) -> u64:
    """Bytes before the zero byte that ends the text at `text`."""
    length: u64 = 0
    while text + length < _scan.end and load_u8(text + length) != 0:
        length += 1
    return length


def equals(text: u64, expected: str) -> bool:
    """Whether the text at `text`, ended by a zero byte, is `expected`."""
    return (
        text + len(expected) < _scan.end
        and starts_with(text, expected)
        and load_u8(text + len(expected)) == 0
    )


def starts_with(text: u64, expected: str) -> bool:
    """Whether the bytes at `text` begin with `expected`."""
    for index in range(len(expected)):
        if load_u8(text + index) != ord(expected[index]):
            return False
    return True


def contains(text: u64, length: u32, part: str) -> bool:
    """Whether `part` occurs in the `length` bytes at `text`."""
    for start in range(length):
        if start + len(part) <= length and starts_with(text + start, part):
            return True
    return False
