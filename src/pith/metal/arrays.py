"""Arrays: a number of equal elements in a row, in memory.

`Array[T]` is a view: an address and a length. A struct field `words: Array[u64] = array(4)` embeds the elements and reads
as a view of them; `Array[u64].at(address, n)` looks at memory elsewhere. An element of struct type is embedded and
reads as a reference to it; an element of type `T | None` is itself a reference. Indexing is checked: an index outside
0..length-1 raises IndexError (there is no indexing from the end).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from . import accessors, memory
from .types import Embedded, Reference, Type, View, resolve

T = TypeVar("T")


class Array(Generic[T]):
    """A view of `length` elements at `address`."""

    __metal_kind__ = "array"
    __slots__ = ("address", "length", "_o")
    address: int
    length: int
    _o: int
    _element_size: int
    _element_alignment: int

    if not TYPE_CHECKING:

        def __class_getitem__(cls, argument: Any) -> Any:
            if isinstance(argument, TypeVar):
                return super().__class_getitem__(argument)
            if isinstance(argument, str):
                return _Deferred(argument)
            if argument not in _by_argument:
                _by_argument[argument] = view_class(resolve(argument))
            return _by_argument[argument]

    @classmethod
    def at(cls, address: int, length: int) -> Self:
        """The view of `length` elements from `address`. Raises MemoryError outside memory, or misaligned."""
        if "__getitem__" not in cls.__dict__:
            _install(cls, element_type(cls))  # at first use, when the element's layout can be known
        view = object.__new__(cls)
        view.address, view.length = address, length
        view._o = memory.offset_of(address, length * cls._element_size, cls._element_alignment)
        return view

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> T:
        raise NotImplementedError  # made per element type in `view_class`

    def __setitem__(self, index: int, value: T) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[T]:
        return (self[i] for i in range(self.length))

    def part(self, start: int, length: int) -> Self:
        """The view of `length` elements from index `start`. Raises IndexError unless all lie inside."""
        if start < 0 or length < 0 or start + length > self.length:
            raise IndexError(f"part {start}..{start + length} of an array of {self.length}")
        return type(self).at(self.address + start * element_type(type(self)).size, length)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.length} at {self.address:#x}>"


_view_classes: dict[Type, type[Array[Any]]] = {}
_by_argument: dict[Any, Any] = {}  # the same, by what stands between the brackets


def element_type(cls: type[Array[Any]]) -> Type:
    """The element type of a concrete array class."""
    return cls.__element__  # type: ignore[attr-defined, no-any-return]


def view_class(element: Type) -> type[Array[Any]]:
    """The array class for elements of this type; a struct (named by a non-null reference) is embedded."""
    if isinstance(element, Reference) and not element.nullable:
        element = Embedded(element.cls)
    if element not in _view_classes:
        name = f"Array[{getattr(element, 'cls', element)}]"
        cls = type(name, (Array,), {"__element__": element, "__slots__": (), "__module__": __name__})
        _view_classes[element] = cls
    return _view_classes[element]


def _install(cls: type[Array[Any]], element: Type) -> None:
    cls._element_size, cls._element_alignment = element.size, element.alignment
    env: dict[str, Any] = {}
    offset = f"self._o + index * {element.size}"
    guard = "    if not 0 <= index < self.length: raise IndexError(f'index {index} of an array of {self.length}')\n"
    load = accessors.load_expression(element, offset, env)
    store = accessors.store_statement(element, offset, env, "an element")
    get = f"def get(self, index):\n{guard}    return {load}"
    put = f"def put(self, index, value):\n{guard}    {store}"
    cls.__getitem__ = accessors.compile_function(get, env, "get")  # type: ignore[method-assign]
    cls.__setitem__ = accessors.compile_function(put, env, "put")  # type: ignore[method-assign]


class _Deferred:
    """`Array["Name"]`: refused, with the way that works."""

    def __init__(self, name: str) -> None:
        raise TypeError(
            f'write Array[{name}] without quotes; the module has "from __future__ import annotations"'
        )


__all__ = ["Array", "View", "view_class"]
