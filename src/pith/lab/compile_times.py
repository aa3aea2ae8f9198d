"""How long the compiler takes for the whole kernel: each stage, from nothing, and when all is in the cache.

The cold run is one into an empty cache of its own, so that nothing is lost that others may want.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Times:
    """Seconds: by stage and in all from an empty cache; in all when nothing has changed.

    What the whole takes longer than its stages is spent on linking, and on finding out whether the cache has it.
    """

    stages: dict[str, float]
    cold: float
    cached: float


def measure(build: Callable[[], Path]) -> Times:
    """Build twice in a fresh cache. The compiler leaves the times of its stages beside what it made."""
    with fresh_cache() as directory:
        cold = _seconds(build)
        cached = _seconds(build)
        return Times(_stages(directory), cold, cached)


@contextmanager
def fresh_cache() -> Iterator[Path]:
    """An empty cache, in place of the usual one."""
    before = os.environ.get("PITH_CACHE")
    with tempfile.TemporaryDirectory(prefix="pith-cache-") as directory:
        os.environ["PITH_CACHE"] = directory
        try:
            yield Path(directory)
        finally:
            if before is None:
                del os.environ["PITH_CACHE"]
            else:
                os.environ["PITH_CACHE"] = before


def _seconds(build: Callable[[], Path]) -> float:
    start = time.perf_counter()
    build()
    return time.perf_counter() - start


def _stages(cache: Path) -> dict[str, float]:
    stages: dict[str, float] = {}
    for file in cache.rglob("times.json"):
        for stage, seconds in json.loads(file.read_text()).items():
            stages[stage] = stages.get(stage, 0.0) + seconds
    return stages
