"""What the program prints, and every way in which a run can go wrong."""

import pytest

from pith import UserError
from pith.lab.bench.measuring import Watch, check_counter, parse
from pith.lab.bench.statistics import summarise
from pith.machine.interface import Ending

GOOD = """OpenSBI v1.1
bench begins
row calibration.100 100 100
row call-0.there 364 364
row yield 960 961
bench ends
"""


def test_rows_are_read_from_among_other_lines() -> None:
    samples = parse("k", GOOD, Ending.TEXT)
    assert samples == {"calibration.100": (100, 100), "call-0.there": (364, 364), "yield": (960, 961)}


def test_a_serial_line_ends_lines_in_its_own_way() -> None:
    assert parse("k", GOOD.replace("\n", "\r\n"), Ending.TEXT) == parse("k", GOOD, Ending.TEXT)


@pytest.mark.parametrize(
    "output, ending, message",
    [
        ("OpenSBI v1.1\n", Ending.EXIT, "did not start on k: the machine ended"),
        ("bench begins\nrow poll 1 1\n", Ending.SECONDS, "broke off on k: so many seconds went by"),
        (
            "bench begins\nrow poll 1 1\nfailed retype: error 10\nbench ends\n",
            Ending.TEXT,
            "failed on k: retype: error 10",
        ),
        ("failed map a device: error 6\nbench ends\n", Ending.TEXT, "failed on k: map a device: error 6"),
    ],
)
def test_a_run_that_goes_wrong_says_how(output: str, ending: Ending, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse("k", output, ending)
    assert caught.value.remedy
    if "row" in output:
        assert caught.value.remedy == "after: poll"


def test_the_counter_is_trusted_when_it_counts_what_is_known() -> None:
    check_counter({"calibration.0": (0, 0), "calibration.100": (100, 100), "poll": (388,)})


@pytest.mark.parametrize(
    "samples, message",
    [
        ({"calibration.100": (100, 101)}, "100 instructions were counted as 100, 101"),
        ({"poll": (388,)}, "it was not checked"),
    ],
)
def test_a_counter_that_is_off_by_one_ends_the_run(samples: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_counter(samples)


def test_rows_are_heard_of_as_they_come_however_the_console_cuts_them() -> None:
    heard: list[str] = []
    watch = Watch(heard.append)
    for piece in (b"bench begins\r\nrow po", b"ll 388 388\r", b"\nrow yield 960 960\r\nrow sig"):
        watch(piece)
    assert heard == ["poll", "yield"]


def test_statistics_of_samples() -> None:
    summary = summarise((1, 2, 2, 3, 12))
    assert summary[:6] == (1, 12, 4.0, pytest.approx(20.5**0.5), 20.5, 2)
    assert summary[6:9] == (2, 2, 3)
    assert summary.varies and not summarise((5, 5)).varies
    assert summarise((7,)).deviation == 0
