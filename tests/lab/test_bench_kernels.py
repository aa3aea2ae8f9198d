"""Finding the kernel in what the user names."""

from pathlib import Path

import pytest

from pith import UserError
from pith.lab.bench.kernels import archived_kernel, named_kernel

KERNEL = b"\x7fELF" + bytes(range(37))


def archived(name: bytes, content: bytes) -> bytes:
    """A member of a cpio archive in the "new ASCII" format, as cpio(5) describes it."""
    fields = [0, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    member = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
    member += b"\0" * (-len(member) % 4) + content
    return member + b"\0" * (-len(member) % 4)


def boot_image(*members: bytes) -> bytes:
    """Members at an address that is not a multiple of anything, behind a loader that speaks of kernel.elf."""
    return b"\x7fELF the loader: no kernel.elf\0 070701?" + b"".join(members) + archived(b"TRAILER!!!", b"")


def test_the_kernel_comes_out_of_a_boot_image_byte_by_byte(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(
        boot_image(archived(b"kernel.dtb", b"tree"), archived(b"kernel.elf", KERNEL), archived(b"app", b"x"))
    )
    kernel = named_kernel(image, tmp_path)
    assert kernel.name == "image"
    assert kernel.elf.read_bytes() == KERNEL


def test_an_ELF_without_an_archive_is_the_kernel(tmp_path: Path) -> None:
    file = tmp_path / "kernel.elf"
    file.write_bytes(KERNEL)
    assert named_kernel(file, tmp_path).elf == file


def test_an_archive_without_a_kernel_holds_none() -> None:
    assert archived_kernel(boot_image(archived(b"kernel.dtb", b"tree"))) is None
    assert archived_kernel(boot_image(archived(b"kernel.elf", b"not an ELF"))) is None


@pytest.mark.parametrize(
    "content, message", [(b"hello", "holds no kernel"), (None, "No such file or directory")]
)
def test_what_is_no_kernel_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "thing"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        named_kernel(file, tmp_path)
