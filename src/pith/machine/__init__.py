"""Machines: what a kernel runs on. One interface, two implementations; the same image boots on both.

Ground first: `board` (numbers), `device_tree`, `bus` and the devices (`plic`, `uart`, `peripherals`); `translation`, `instructions`,
`hooks`, `core` (user mode), `processor` (supervisor mode for a kernel in Python); `elf`, `image`, `console`, `interface`;
then the two machines: `hosted` with `python_kernel`, and `qemu`.
"""

from .image import BootImage
from .interface import DidNotAppear, Ending, Machine

__all__ = ["BootImage", "DidNotAppear", "Ending", "Machine"]
