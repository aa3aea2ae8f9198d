"""Results of a run that never was, for tests of what is made of results."""

from pith.lab.bench.results import Report, combine
from pith.lab.bench.rows import ROWS, Row
from pith.lab.bench.statistics import Summary, summarise

CALL, YIELD, PING_PONG = (
    next(row for row in ROWS if row.name == name) for name in ("call-0.round-trip", "yield", "ping-pong")
)


def constant(value: int) -> Summary:
    return summarise((value,) * 4)


def report(*, peer: bool = False) -> Report:
    """Half of seL4's figures, but for a yield that takes twice as many and varies by one."""
    own = {
        CALL.name: constant(404),
        YIELD.name: summarise((1920, 1920, 1920, 1921)),
        PING_PONG.name: constant(2066),
    }
    other = {row.name: constant(row.seL4 * 2) for row in rows()}
    return combine(rows(), ("Pith", own), ("other.img", other) if peer else None)


def rows() -> tuple[Row, ...]:
    return (CALL, YIELD, PING_PONG)
