"""`pith kernel`: build the kernel's ELF alone, for a loader or a builder of systems other than Pith's own.

Also the options that say what kernel is wanted; `pith boot` has them, too.
"""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pith import UserError
from pith.cli.arguments import check_apart, check_writable
from pith.cli.errors import UsageError
from pith.cli.start import Benchmark, saying, set_up_kernel

QEMU_VIRT = "qemu-virt"
QEMU_MEMORY = "2G"  # what SDKs for seL4 on this board count on

DomainsOption = Annotated[
    int, typer.Option(help="The number of domains, 1 to 16.", metavar="NUMBER", min=1, max=16)
]
RootCNodeOption = Annotated[
    int,
    typer.Option(
        "--root-cnode-bits",
        help="The initial thread's CNode has two to the power of so many slots; each page of its program takes one.",
        metavar="BITS",
        min=7,
        max=27,
    ),
]


def kernel(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.", metavar="ELF")],
    board: Annotated[
        str | None,
        typer.Option(
            help=f"Build a board in, for a loader that hands over no device tree: `{QEMU_VIRT}`, or the file of a "
            "flattened device tree.",
            metavar="BOARD",
            show_default=False,
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            help=f"The memory of the board `{QEMU_VIRT}`; {QEMU_MEMORY} unless given.",
            metavar="SIZE",
            show_default=False,
        ),
    ] = None,
    domains: DomainsOption = 1,
    root_cnode_bits: RootCNodeOption = 13,
    debug: Annotated[
        bool,
        typer.Option("--debug/--release", help="A kernel with debug calls and checks, or the fast one."),
    ] = True,
    benchmark: Annotated[
        Benchmark,
        typer.Option(
            help="Benchmark calls, and what the kernel measures for them: its entries, or who uses it."
        ),
    ] = Benchmark.OFF,
) -> None:
    """Build the kernel's ELF, for a loader of seL4's kernels or Microkit's tool."""
    check_writable(output)
    if board not in (None, QEMU_VIRT):
        check_apart(output, [Path(board)])
    tree = built_in_tree(board, memory)
    set_up_kernel(debug=debug, benchmark=benchmark, domains=domains, root_cnode_bits=root_cnode_bits)
    from pith.system.kernel import build_kernel

    with saying("compiling the kernel"):
        built = build_kernel(tree)
    try:
        shutil.copyfile(built, output)
    except OSError as error:
        raise UserError(f"{output}: {error.strerror}", "name a file that can be written") from None
    print(f"{output}: the kernel's ELF; how other loaders start it: docs/other-loaders.md")


def built_in_tree(board: str | None, memory: str | None) -> bytes | None:
    """The device tree that `--board` and `--memory` ask for."""
    if board == QEMU_VIRT:
        from pith.cli.boot import checked_memory
        from pith.machine import device_tree

        return device_tree.flatten(device_tree.virt(checked_memory(memory or QEMU_MEMORY)))
    if memory is not None:
        raise UsageError(
            f"--memory is that of the board `{QEMU_VIRT}`; a device tree says itself what memory there is",
            f"--board {QEMU_VIRT}",
        )
    if board is None:
        return None
    from pith.system.kernel import read_tree

    return read_tree(Path(board))
