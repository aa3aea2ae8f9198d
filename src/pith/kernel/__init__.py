"""The microkernel. Rooms, ground first, are listed in docs/architecture.md; start with `objects.py`."""
