"""Set Pith up in its own clone: a virtual environment, the packages it needs, QEMU where that is possible.

The Makefile runs this directory, `python3 tools/set_up`, before every target, so it must cost nothing when
there is nothing to do: a stamp in the environment names what was installed, and from what. The stamp goes
away before the first change and comes back after the last one. Whatever stops set-up in between (Ctrl-C, a
full disk, a lost network) thus leaves no stamp, and the next run repairs what it finds.

    environment.py   the virtual environment of a clone, and its stamp
    packages.py      making it, repairing it, filling it
    system.py        what lies outside the clone: Python, the system's packages, QEMU
    trouble.py       what can go wrong, and what to do about it

Standard library only, because nothing else is there yet; and syntax that an old Python can read, without type
annotations, so that it can say that it is too old. Trouble ends in one message that names what was wrong and
what to do, and exit code 1.
"""

import argparse
import contextlib
import fcntl
import os
import sys
from pathlib import Path

import packages
import system
from environment import Environment
from trouble import SetUpError, explain_refusal, say

EXTRAS = ("dev", "docs")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="set_up", description="Set Pith up in its own clone.")
    parser.add_argument("--with", dest="extras", action="append", choices=EXTRAS, default=[])
    parser.add_argument("--thorough", action="store_true", help="look at every file of every package")
    parser.add_argument("--insist", action="store_true", help="the environment is to be of this Python")
    chosen = parser.parse_args(arguments)
    try:
        system.check_version()
        root = Path(__file__).resolve().parent.parent.parent
        set_up(root, {"dev"} | set(chosen.extras), chosen.thorough, chosen.insist)
        return 0
    except KeyboardInterrupt:
        say("\nset-up was interrupted; run the same command again: it goes on where it stopped")
        return 130
    except SetUpError as error:
        failure = error
    except OSError as error:
        failure = explain_refusal(error)
    print(f"set-up failed: {failure.message}\n  try: {failure.remedy}", file=sys.stderr)
    return 1


def set_up(root, extras, thorough=False, insist=False):
    """Bring the clone at `root` to the state that its pyproject.toml describes."""
    environment = Environment(root)

    def reason():
        return environment.lacks(extras, thorough) or (insist and packages.unfitness(environment, insist))

    if not reason():
        if thorough:
            say("set-up is complete: every file of every package is there")
        return
    with only_one(root):
        why = reason()
        if not why:  # another set-up did it while this one waited
            return
        extras = extras | environment.wanted_extras()
        say(f"[1/4] Python {system.dotted(sys.version_info[:3])}")
        if environment.directory.exists():
            say(f"      set-up is not complete: {why}")
        system.check_venv_modules()
        environment.begin()
        say(f"[2/4] virtual environment: {environment.directory}")
        packages.make_environment(environment, insist)
        say(f"[3/4] packages: {', '.join(sorted(extras))} (the first time, some 150 MB to download)")
        packages.install(environment, extras)
        say("[4/4] QEMU, the emulator that the compiled kernel boots in")
        system.provide_qemu()
        environment.complete(extras)
        say("set-up is complete; `.venv/bin/pith doctor` looks it over")


@contextlib.contextmanager
def only_one(root):
    """Hold the clone's directory against a second set-up at the same time, as `make -j` would start."""
    descriptor = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this clone is running: waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
