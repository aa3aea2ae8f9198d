"""A memory report as JSON: one object a kernel."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .footprint import CacheLine, Footprint
from .kernel_bytes import OBJECTS
from .memory import MemoryReport


def to_json(reports: Sequence[MemoryReport]) -> str:
    kernels = [
        {
            "Kernel": report.kernel,
            "Bytes": {kind.value: size for kind, size in report.bytes.items()},
            "Paths": [_path(path) for path in report.paths],
        }
        for report in reports
    ]
    return json.dumps({"Kernels": kernels, "Objects": [item._asdict() for item in OBJECTS]}, indent=2)


def _path(path: Footprint) -> dict[str, object]:
    return {
        "Row": path.name,
        "Instructions": path.instructions,
        "In firmware": path.in_firmware,
        "Code lines": [_line(line) for line in path.code],
        "Data lines": [_line(line) for line in path.data],
    }


def _line(line: CacheLine) -> dict[str, object]:
    return {"Address": line.address, "Contents": line.contents, "Loads": line.loads, "Stores": line.stores}
