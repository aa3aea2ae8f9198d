"""The recording processor, for drivers and servers."""

from tests.runtime.conftest import no_arena, processor

__all__ = ["no_arena", "processor"]
