"""The virtual environment `.venv` of a clone, and the stamp that says what a complete set-up put there.

The stamp holds the hash of what the environment is made from, the extras that were asked for, what its Python is, and
the distributions that stood there in the end, each with the files and folders at its top. Looking at it costs a
hundred `stat` calls and no process. A thorough look compares every file with what its distribution's RECORD says.

The Python that runs set-up has no part in it: with another environment active, this one is as good as before.
"""

import csv
import hashlib
import json
import os
from pathlib import Path


class Environment:
    def __init__(self, root):
        self.root = Path(root)
        self.directory = self.root / ".venv"
        self.python = self.directory / "bin" / "python"
        self.stamp = self.directory / "set-up-complete.json"

    def recipe(self):
        """What the environment is made from: while this stays the same, so does the environment."""
        return hashlib.sha256((self.root / "pyproject.toml").read_bytes()).hexdigest()

    def interpreter(self):
        """What tells the file of the environment's Python from another in its place. Raises OSError without one."""
        file = os.path.realpath(self.python)
        found = os.stat(file)
        return [file, found.st_size, found.st_mtime_ns]

    def packages(self):
        """The directory that packages are installed into, or None while there is none."""
        return next(iter(sorted(self.directory.glob("lib/python*/site-packages"))), None)

    def distributions(self):
        """The directory of records of each installed distribution."""
        return sorted(self.packages().glob("*.dist-info")) if self.packages() else []

    def read_stamp(self):
        """What the last complete set-up left; empty when there is nothing that can be read."""
        try:
            stamp = json.loads(self.stamp.read_text())
            return stamp if isinstance(stamp, dict) else {}
        except (OSError, ValueError):
            return {}

    def wanted_extras(self):
        """The extras that were asked for before."""
        return set(self.read_stamp().get("extras", ()))

    def lacks(self, extras, thorough=False):
        """What stands between the environment and a complete set-up, in words; empty when nothing does."""
        if not self.directory.is_dir():
            return "there is no environment yet"
        stamp = self.read_stamp()
        try:
            return self._differs(stamp, extras) or self._lost(stamp, thorough)
        except (KeyError, TypeError, AttributeError, ValueError):  # the stamp of another version
            return "the last set-up did not come to its end"

    def _differs(self, stamp, extras):
        if not os.access(self.python, os.X_OK) or not (self.directory / "pyvenv.cfg").is_file():
            return "the environment has no Python"
        if stamp["directory"] != str(self.directory):
            return f"the environment was made for {stamp['directory']}"
        if stamp["interpreter"] != self.interpreter():
            return "the Python that the environment was made of has changed"
        if stamp["recipe"] != self.recipe():
            return "pyproject.toml has changed"
        absent = set(extras) - set(stamp["extras"])
        return f"not installed yet: {', '.join(sorted(absent))}" if absent else ""

    def _lost(self, stamp, thorough):
        packages = self.packages()
        if packages is None:
            return "the environment has no packages"
        for name, top in stamp["distributions"].items():
            for entry in [f"{name}/RECORD", *top]:
                if not os.path.lexists(packages / entry):
                    return f"the package {name.split('-')[0]} lacks {entry}"
        if thorough:
            for record in self.distributions():
                if not is_whole(packages, record):
                    return f"the package {record.name.split('-')[0]} is damaged"
        return ""

    def begin(self):
        """From here on the environment may be half-finished."""
        if self.stamp.exists():
            self.stamp.unlink()

    def complete(self, extras):
        """The environment is what it should be. The stamp appears whole or not at all."""
        stamp = {
            "recipe": self.recipe(),
            "directory": str(self.directory),
            "interpreter": self.interpreter(),
            "extras": sorted(extras),
            "distributions": {record.name: top_of(record) for record in self.distributions()},
        }
        unfinished = self.stamp.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(stamp, indent=1))
        unfinished.replace(self.stamp)


def files_of(record):
    """Path and size, or an empty text, of each file that a distribution's RECORD lists."""
    with open(record / "RECORD", newline="") as rows:
        return [(path, size) for path, _, size in csv.reader(rows)]


def top_of(record):
    """The files and folders at the top of a distribution, and its files outside of the packages' directory."""
    paths = [path for path, _ in files_of(record) if "__pycache__" not in path]
    return sorted({path if path.startswith("..") else path.split("/")[0] for path in paths})


def is_whole(directory, record):
    """Whether every file that a distribution's RECORD lists is there, in full."""
    try:
        for path, size in files_of(record):
            if size and os.stat(directory / path).st_size != int(size):
                return False
    except (OSError, ValueError):
        return False
    return (record / "METADATA").exists()
