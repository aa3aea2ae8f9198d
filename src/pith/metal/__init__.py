"""Metal Python: the typed part of Python that runs under CPython and compiles to bare metal.

A metal module is an ordinary Python module that imports its vocabulary from here (and machine operations from
`pith.metal.machine`). `docs/language.md` is the reference. Ground first: `integers`, `memory`, `types`, `accessors`, `structs`,
`packed`, `values`, `arrays`, `failures`, `functions`, `machine` make the CPython life; `compiler` makes the metal one.
"""

from .arrays import Array
from .failures import Failure
from .functions import OUTERMOST_FRAME, assembly, cold, export, inline, noinline, outermost, text_sink
from .integers import *  # noqa: F403 - sixty-eight names of sized integers, and the masks
from .packed import Packed, bits
from .structs import Struct, array, field, size_of, static
from .types import Inline
from .values import Value, replace

__all__ = [
    "OUTERMOST_FRAME", "Array", "Failure", "Inline", "Packed", "Struct", "Value",
    "array", "assembly", "bits", "cold", "export", "field", "inline", "noinline", "outermost", "replace", "size_of", "static",
    "text_sink",
]  # fmt: skip
