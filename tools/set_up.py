"""Set Pith up in its own clone: a virtual environment, the packages it needs, QEMU where that is possible.

Called by the Makefile before every target, so it must cost nothing when there is nothing to do: a stamp in the
environment names what was installed, and from what. The stamp goes away before the first change and comes back
after the last one. Whatever stops set-up in between (Ctrl-C, a full disk, a lost network) thus leaves no stamp,
and the next run repairs: it drops each package whose files are not all there, and lets pip install what is missing.

Standard library only, because nothing else is there yet; and syntax that an old Python can read, without type
annotations of today's kind, so that it can say that it is too old. Trouble ends in one message that names what was wrong and what to do, and exit code 1.
"""

import argparse
import csv
import errno
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)
OLDEST_QEMU = (7, 2)
EXTRAS = ("dev", "docs")


class SetUpError(Exception):
    """Something that the user must mend: what was wrong, and what to do about it."""

    def __init__(self, message, remedy):
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def say(line):
    print(line, flush=True)


# --- the stamp --------------------------------------------------------------------------------------------------


class Environment:
    """The virtual environment `.venv` of one clone, and its stamp."""

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
            return set()

    def begin(self):
        if self.stamp.exists():
            self.stamp.unlink()

    def complete(self, extras):
        stamp = {
            "recipe": self.recipe(),
            "extras": sorted(extras),
            "distributions": [directory.name for directory in self.distributions()],
        }
        unfinished = self.stamp.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(stamp, indent=1))
        unfinished.replace(self.stamp)


# --- steps ------------------------------------------------------------------------------------------------------


def check_version(version=sys.version_info):
    if tuple(version[:2]) < OLDEST_PYTHON:
        raise SetUpError(
            f"Pith needs Python {dotted(OLDEST_PYTHON)} or later; {sys.executable} is {dotted(version[:2])}",
            "install a newer Python and name it: make PYTHON=python3.12",
        )


def dotted(version):
    return ".".join(str(part) for part in version)


def check_venv_modules():
    """Debian and Ubuntu cut these two modules out of Python, into a package of their own."""
    if not has_venv_modules() and may_install_system_packages():
        say("      this Python has no venv module: installing python3-venv from the system's packages")
        apt_get_install("python3-venv")
        importlib.invalidate_caches()
    if not has_venv_modules():
        raise SetUpError(
            f"this Python ({sys.executable}) cannot make virtual environments: venv or ensurepip is missing",
            "on Debian or Ubuntu: apt-get install python3-venv; or name another Python: make PYTHON=python3.12",
        )


def has_venv_modules():
    return all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip"))


def may_install_system_packages():
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_get_install(package):
    """Install a system package; when that fails, show why and go on, for the caller looks at what came of it."""
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", package]):
        say("      $ apt-get " + " ".join(arguments))
        try:
            result = run_captured(["apt-get", *arguments], env=quiet, timeout=900)
        except (OSError, subprocess.TimeoutExpired) as error:
            say(f"      it failed: {error}")
            return
        if result.returncode != 0:
            for line in result.stdout.strip().splitlines()[-4:]:
                say("      | " + line)


def run_captured(command, **options):
    """Run a command to its end; both of its outputs come back as one text."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def forget_half_installed(environment):
    """Drop the records of packages whose files are not all there, so that pip installs them anew.

    An interrupted pip leaves files without a record, or a record whose files are missing or cut short; pip itself
    believes a record without looking.
    """
    packages = environment.packages()
    if packages is None:
        return
    for leftover in packages.glob("~*"):  # pip's own name for what it was about to delete
        remove(leftover)
    for record in environment.distributions():
        if not is_whole(packages, record):
            say(f"      {record.name.split('-')[0]} is half installed: installing it again")
            remove(record)


def is_whole(packages, distribution):
    """Whether every file that the distribution's RECORD lists is there, in full."""
    try:
        with open(distribution / "RECORD", newline="") as rows:
            for path, _, size in csv.reader(rows):
                if size and os.stat(packages / path).st_size != int(size):
                    return False
    except (OSError, ValueError):
        return False
    return (distribution / "METADATA").exists()


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def make_environment(environment):
    """A virtual environment of this Python, with a working pip, kept as far as it is good."""
    directory = environment.directory
    if directory.exists() and not directory.is_dir():
        raise SetUpError(f"{directory} is in the way: it is not a directory", f"remove it: rm {directory}")
    if runs(environment, f"import sys; assert sys.version == {sys.version!r}"):
        forget_half_installed(environment)
        if runs(environment, "import pip._internal.cli.main"):
            return
        command = [sys.executable, "-m", "venv", str(directory)]
    else:
        command = [sys.executable, "-m", "venv", "--clear", str(directory)]
    result = run_captured(command)
    if result.returncode != 0:
        raise explained(result.stdout, "the virtual environment could not be made")


def runs(environment, statement):
    """Whether the environment's Python runs `statement`."""
    try:
        command = [str(environment.python), "-I", "-c", statement]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def install_packages(environment, extras):
    """Let pip install Pith, editable, and what it needs; pass on the lines that show how far it is."""
    command = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--retries", "2", "--progress-bar", "off", "--no-warn-script-location"]
    command += ["--editable", f"{environment.root}[{','.join(sorted(extras))}]"]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout:
            lines.append(line)
            if re.match(r"\s*(Collecting|Downloading|Installing collected|Building)", line):
                say("      " + line.strip()[:100])
    if pip.returncode != 0:
        raise explained("".join(lines), "pip could not install the packages")


CAUSES = (
    (
        "No space left on device|Errno 28|Disk quota exceeded",
        "the disk is full",
        "make room (about 600 MB), then run the same command again: it goes on where it stopped",
    ),
    (
        "Failed to establish a new connection|Temporary failure in name resolution|Name or service not known"
        "|Max retries exceeded|Network is unreachable|ConnectTimeout|Connection refused|Read timed out|ProxyError"
        "|connection broken|SSLError",
        "no network: the Python package index cannot be reached",
        "check the connection (or set HTTPS_PROXY or PIP_INDEX_URL), then run the same command again",
    ),
    (
        "Read-only file system|Permission denied|Errno 13|Errno 30",
        "the clone's directory cannot be written",
        "clone Pith into a directory of your own, or mend the owner: chown -R $USER .",
    ),
    (
        "ensurepip is not available|No module named ensurepip",
        "this Python cannot make virtual environments: ensurepip is missing",
        "on Debian or Ubuntu: apt-get install python3-venv",
    ),
)


def explained(output, otherwise):
    """The error that a tool's output speaks of; when none is known, `otherwise` and the last lines."""
    for pattern, message, remedy in CAUSES:
        if re.search(pattern, output):
            return SetUpError(message, remedy)
    last_lines = "\n".join("      | " + line for line in output.strip().splitlines()[-12:])
    return SetUpError(
        otherwise + "; its last words:\n" + last_lines,
        "if they do not help: rm -rf .venv, then run the same command again",
    )


# --- QEMU -------------------------------------------------------------------------------------------------------


def qemu_version():
    """The version of the QEMU on the path as a tuple, or None when there is none that runs."""
    try:
        output = run_captured(["qemu-system-riscv64", "--version"], timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"version (\d+)\.(\d+)", output)
    return (int(match.group(1)), int(match.group(2))) if match else None


def provide_qemu():
    """Install QEMU if that is ours to do; say how it is done if not. Pith runs without it, so nothing here fails."""
    version = qemu_version()
    if version is None and may_install_system_packages():
        say("      QEMU is absent: installing qemu-system-misc from the system's packages")
        apt_get_install("qemu-system-misc")
        version = qemu_version()
    if version is None:
        say("      QEMU is absent: Pith boots on its hosted machine instead")
        say("      to have it: apt-get install qemu-system-misc (Debian, Ubuntu), brew install qemu (macOS)")
    elif version < OLDEST_QEMU:
        say(
            f"      QEMU {dotted(version)} is too old, Pith needs {dotted(OLDEST_QEMU)}: it boots on its hosted machine"
        )
        say("      to have it: install a newer qemu-system-riscv64 and put it first on PATH")
    else:
        say(f"      QEMU {dotted(version)}")


# --- the whole --------------------------------------------------------------------------------------------------


def set_up(root, extras):
    """Bring the clone at `root` to the state that its pyproject.toml describes."""
    environment = Environment(root)
    installed = environment.installed_extras()
    if extras <= installed:
        return
    extras = extras | installed
    with only_one(environment.root):
        if extras <= environment.installed_extras():  # another set-up did it while this one waited
            return
        say(f"[1/4] Python {dotted(sys.version_info[:3])}")
        check_venv_modules()
        environment.begin()
        say("[2/4] virtual environment: " + str(environment.directory))
        make_environment(environment)
        say(f"[3/4] packages: {', '.join(sorted(extras))} (the first time, some 150 MB to download)")
        install_packages(environment, extras)
        say("[4/4] QEMU, the emulator that the compiled kernel boots in")
        provide_qemu()
        environment.complete(extras)
        say("set-up is complete; `.venv/bin/pith doctor` looks it over")


class only_one:
    """Hold the clone's directory against a second set-up at the same time, as `make -j` would start."""

    def __init__(self, root):
        self.root = root

    def __enter__(self):
        import fcntl  # not on every system; where it is absent, Pith does not run

        self.descriptor = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this clone is running: waiting for it")
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_):
        os.close(self.descriptor)


def explain_os_error(error):
    """The message for what the operating system refused while this script itself was at work."""
    where = error.filename or "the clone's directory"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return explained("No space left on device", "")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return SetUpError(f"{where} cannot be written", "clone Pith into a directory of your own")
    return SetUpError(f"{where}: {error.strerror}", "mend that, then run the same command again")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Set Pith up: virtual environment, packages, QEMU.")
    parser.add_argument(
        "--with", dest="extras", action="append", choices=EXTRAS, default=[], help="also these packages"
    )
    chosen = parser.parse_args(arguments)
    try:
        check_version()
        set_up(Path(__file__).resolve().parent.parent, {"dev"} | set(chosen.extras))
        return 0
    except KeyboardInterrupt:
        say("\nset-up was interrupted; run the same command again: it goes on where it stopped")
        return 130
    except SetUpError as error:
        failure = error
    except OSError as error:
        failure = explain_os_error(error)
    print(f"set-up failed: {failure.message}\n  try: {failure.remedy}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
