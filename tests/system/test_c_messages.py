"""What a user reads whose program in C clang or lld refuses, or warns of."""

from pathlib import Path

import pytest

from pith import UserError
from pith.system.components import build_c

pytestmark = pytest.mark.slow  # each runs clang

HEAD = "#include <pith.h>\nvoid pith_main(const struct pith_bootinfo *info)\n"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PITH_CACHE", str(tmp_path / "cache"))
    return tmp_path


def build(directory: Path, text: str) -> Path:
    source = directory / "program.c"
    source.write_bytes(text.encode("latin-1"))
    return build_c(source)


def test_warnings_are_shown_each_time(directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = f"{HEAD}{{ int x; pith_print_number(x); }}\n"
    build(directory, text)
    first = capfd.readouterr().err
    assert "program.c:3:" in first and "variable 'x' is uninitialized" in first and "info" not in first
    build(directory, text)
    assert capfd.readouterr().err == first


def test_a_program_without_fault_is_built_in_silence(
    directory: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    build(directory, f"{HEAD}{{ pith_debug_halt(); }}\n")  # that it does not look at `info` is no fault
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "complaint", "remedy"),
    [
        ("#include <stdio.h>\n", "'stdio.h' file not found", "there is no C library here: #include <pith.h>"),
        ("#include <sys/mman.h>\n", "'sys/mman.h' file not found", "there is no C library here"),
        ("#include <pit.h>\n", "'pit.h' file not found", "did you mean <pith.h>?"),
        ("#include <stdints.h>\n", "'stdints.h' file not found", "did you mean <stdint.h>?"),
        ('#include "queue.h"\n', "'queue.h' file not found", "put queue.h beside the file that includes it"),
        (f'{HEAD}{{ printf("x"); }}\n', "undeclared function 'printf'", "there is no C library here"),
        (f"{HEAD}{{ return 1 }}\n", "expected ';'", "mend what clang names above"),
        (f'{HEAD}{{ pith_prnt("x"); }}\n', "undeclared function 'pith_prnt'", "did you mean `pith_print`?"),
        (f"{HEAD}{{ \xe9 }}\n", "source file is not valid UTF-8", "mend what clang names above"),
        ("int main(void) { return 0; }\n", "undefined symbol: pith_main", "a program starts there"),
        (
            f"int puts(const char *);\n{HEAD}{{ puts(0); }}\n",
            "undefined symbol: puts",
            "there is no C library",
        ),
        (f"void gone(void);\n{HEAD}{{ gone(); }}\n", "undefined symbol: gone", "define what is named above"),
    ],
)
def test_a_refused_program(directory: Path, text: str, complaint: str, remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        build(directory, text)
    assert complaint in caught.value.message and str(directory / "program.c") in caught.value.message
    assert remedy in caught.value.remedy
    assert "unused parameter" not in caught.value.message
