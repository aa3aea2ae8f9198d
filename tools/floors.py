"""Check that every file of Pith imports only from below itself.

The packages of `src/pith` stand on floors; a file imports from floors below its own and from its own
package, never from a sibling on the same floor. `pith` itself is the ground: everybody may import it. The
kernel is narrower than its floor, for it must compile to metal; and inside it the files, its rooms, stand
in an order of their own and use only rooms above them in the list. That way there is no circle, and a
reader who goes through it from the top meets nothing that was not explained before.

To add a package or a room, put it into its table where it belongs. An import under `TYPE_CHECKING`
counts like any other, for a reader has to follow it all the same.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Ground first.
FLOORS = (
    ("metal",),
    ("abi",),
    ("kernel", "runtime"),
    ("verify",),
    ("machine", "services", "personalities"),
    ("system",),
    ("lab",),
    ("cli",),
)

# All that the kernel may import from outside itself: on metal there is no library.
KERNEL_MAY_IMPORT = ("pith.metal", "pith.abi", "typing", "enum", "__future__")

# Top first; a room uses only rooms above it. docs/architecture.md says what each is for.
ROOMS = (
    "objects",
    "errors",
    "state",
    "riscv64.window",
    "riscv64.device_tree",
    "riscv64.csr",
    "riscv64.timer",
    "riscv64.plic",
    "riscv64.fpu",
    "riscv64.handover",
    "riscv64.vspace",
    "capability",
    "queue",
    "release",
    "budget",
    "scheduler",
    "cspace",
    "message",
    "debug",
    "riscv64.frame",
    "riscv64.page_table",
    "riscv64.asid",
    "binding",
    "fault_message",
    "reply",
    "blocking",
    "notification",
    "endpoint",
    "fault",
    "answer",
    "timeslice",
    "thread",
    "untyped",
    "derivation",
    "cnode",
    "interrupt",
    "domain",
    "thread_invocation",
    "context_invocation",
    "invocation",
    "complaint",
    "snapshot",
    "benchmark",
    "panic",
    "syscall",
    "fastpath",
    "resume",
    "memory_map",
    "boot",
    "riscv64.entry",
    "riscv64.trap",
)


class Violation(NamedTuple):
    file: Path
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}\n    try: {self.remedy}"


class Tree:
    """The modules under a source directory, and what they import."""

    def __init__(self, source: Path) -> None:
        self.files = {self.name_of(source, file): file for file in sorted(source.glob("pith/**/*.py"))}

    @staticmethod
    def name_of(source: Path, file: Path) -> str:
        parts = file.relative_to(source).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self, module: str) -> Iterator[tuple[int, str]]:
        """Each line that imports, with the module that it imports, or from which it takes a name."""
        file = self.files[module]
        for node in ast.walk(ast.parse(file.read_text(), str(file))):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = self.origin(module, node)
                for alias in node.names:
                    name = f"{origin}.{alias.name}"  # `from pith.kernel import endpoint` takes a module
                    yield node.lineno, name if name in self.files else origin

    def origin(self, module: str, node: ast.ImportFrom) -> str:
        """The absolute name of what a `from` statement takes names from."""
        if node.level == 0:
            return node.module or ""
        is_package = self.files[module].name == "__init__.py"
        parts = module.split(".")
        base = parts[: len(parts) - node.level + is_package]
        return ".".join([*base, node.module] if node.module else base)


def violations(source: Path) -> Iterator[Violation]:
    """Every import in the tree that goes up or sideways."""
    tree = Tree(source)
    for module, file in tree.files.items():
        if package_of(module) == "kernel" and (room := room_of(module)) and room not in ROOMS:
            remedy = "put it into ROOMS in tools/floors.py, below all that it uses"
            yield Violation(file, 1, f"the kernel's list of rooms does not name `{room}`", remedy)
        try:
            imports = list(tree.imports(module))
        except SyntaxError as error:
            yield Violation(file, error.lineno or 1, f"not Python: {error.msg}", "mend the syntax")
            continue
        for line, target in imports:
            for message, remedy in objections(module, target):
                yield Violation(file, line, message, remedy)


def objections(module: str, target: str) -> Iterator[tuple[str, str]]:
    """Why `module` may not import `target`, and what to do instead; nothing when it may."""
    importer, imported = package_of(module), package_of(target)
    if importer == "kernel" and imported == "kernel":
        yield from objections_of_rooms(room_of(module), room_of(target))
    elif importer == "kernel" and not is_under(target, KERNEL_MAY_IMPORT):
        yield (
            f"the kernel may not import `{target}`: only pith.metal, pith.abi, typing and enum",
            "write what is needed in metal Python, or move it to abi/ if user programs know it too",
        )
    elif imported in (None, importer):
        return
    elif floor_of(imported) is None or (importer and floor_of(importer) is None):
        unknown = imported if floor_of(imported) is None else importer
        yield f"`pith.{unknown}` stands on no floor", "put it into FLOORS in tools/floors.py where it belongs"
    elif importer is None or floor_of(imported) >= floor_of(importer):
        place = "beside" if importer and floor_of(imported) == floor_of(importer) else "above"
        yield (
            f"`{module}` imports `{target}`, which stands {place} it",
            f"move what both need to a floor below, or pass it in from above `pith.{imported}`",
        )


def objections_of_rooms(room: str, target: str) -> Iterator[tuple[str, str]]:
    """As `objections`, between two files of the kernel; "" is the package itself, above all rooms."""
    if not target or target not in ROOMS or (room and room not in ROOMS):
        return  # a room that the list does not name is reported once, at its file
    if not room or ROOMS.index(target) >= ROOMS.index(room):
        yield (
            f"`{room or '__init__'}` uses `{target}`, which stands below it in the kernel's list of rooms",
            f"move what both need to a room above `{room or target}`, or have `{target}` do it",
        )


def package_of(module: str) -> str | None:
    """`kernel` for `pith.kernel.riscv64.csr`; None for `pith` itself and for all that is not Pith."""
    parts = module.split(".")
    return parts[1] if parts[0] == "pith" and len(parts) > 1 else None


def room_of(module: str) -> str:
    """`riscv64.csr` for `pith.kernel.riscv64.csr`; a package counts as part of the room above all."""
    room = module.removeprefix("pith.kernel").lstrip(".")
    return "" if room == "riscv64" else room


def floor_of(package: str) -> int | None:
    return next((number for number, floor in enumerate(FLOORS) if package in floor), None)


def is_under(module: str, allowed: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in allowed)


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    found = list(violations(root / "src"))
    for violation in found:
        print(violation._replace(file=violation.file.relative_to(root)))
    print(f"floors: {len(found)} wrong imports" if found else "floors: all imports go down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
