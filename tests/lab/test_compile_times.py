"""Timing the compiler: cold in a cache of its own, then cached, and the user's cache left alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pith.lab import compile_times


def test_cold_then_cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PITH_CACHE", str(tmp_path))
    seen: list[bool] = []

    def build() -> Path:
        entry = Path(os.environ["PITH_CACHE"]) / "entry"
        seen.append(entry.exists())
        entry.mkdir(exist_ok=True)
        (entry / "times.json").write_text(json.dumps({"read": 0.5, "lower": 0.25}))
        return entry

    times = compile_times.measure(build)
    assert seen == [False, True]
    assert times.stages == {"read": 0.5, "lower": 0.25}
    assert os.environ["PITH_CACHE"] == str(tmp_path) and not list(tmp_path.iterdir())


def test_the_usual_cache_is_the_usual_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PITH_CACHE", raising=False)
    with pytest.raises(ZeroDivisionError), compile_times.fresh_cache() as directory:
        assert os.environ["PITH_CACHE"] == str(directory)
        raise ZeroDivisionError
    assert "PITH_CACHE" not in os.environ and not directory.exists()
