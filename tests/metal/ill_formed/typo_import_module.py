"""A module, misspelled where it is imported."""

from __future__ import annotations

from pith.runtme import debug
