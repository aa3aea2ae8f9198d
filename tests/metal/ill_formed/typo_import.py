"""A name, misspelled where it is imported."""

from __future__ import annotations

from pith.metal import Strcut
