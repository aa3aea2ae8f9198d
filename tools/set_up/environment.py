"""The virtual environment `.venv` of a clone, and the stamp that says what a complete set-up put there.

The stamp holds the hash of what the environment is made from, the extras that were asked for, and the names
of the distributions that stood there in the end. Looking at it costs a few dozen `stat` calls and no
process.
"""

import hashlib
import json
import os
import sys
from pathlib import Path


class Environment:
    def __init__(self, root):
        self.root = Path(root)
        self.directory = self.root / ".venv"
        self.python = self.directory / "bin" / "python"
        self.stamp = self.directory / "set-up-complete.json"

    def recipe(self):
        """What the environment is made from: while this stays the same, so does the environment."""
        digest = hashlib.sha256((self.root / "pyproject.toml").read_bytes())
        digest.update(repr((sys.version, str(self.directory))).encode())
        return digest.hexdigest()

    def packages(self):
        """The directory that packages are installed into, or None while there is none."""
        return next(iter(sorted(self.directory.glob("lib/python*/site-packages"))), None)

    def distributions(self):
        """The directory of records of each installed distribution."""
        return sorted(self.packages().glob("*.dist-info")) if self.packages() else []

    def installed_extras(self):
        """The extras that a complete set-up has installed; empty when set-up is not complete."""
        try:
            stamp = json.loads(self.stamp.read_text())
            complete = (
                stamp["recipe"] == self.recipe()
                and os.access(self.python, os.X_OK)
                and all((self.packages() / name / "RECORD").exists() for name in stamp["distributions"])
            )
            return set(stamp["extras"]) if complete else set()
        except (OSError, ValueError, KeyError, TypeError):
            return set()  # no stamp, or one that was cut short: the same as not complete

    def begin(self):
        """From here on the environment may be half-finished."""
        if self.stamp.exists():
            self.stamp.unlink()

    def complete(self, extras):
        """The environment is what it should be. The stamp appears whole or not at all."""
        stamp = {
            "recipe": self.recipe(),
            "extras": sorted(extras),
            "distributions": [directory.name for directory in self.distributions()],
        }
        unfinished = self.stamp.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(stamp, indent=1))
        unfinished.replace(self.stamp)
