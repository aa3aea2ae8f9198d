"""What lies outside the clone: the Python that runs this, the system's packages, QEMU.

A system package is installed only where nobody has to be asked: the user is root and the system has
apt-get. Everywhere else the command to type is printed. Without QEMU Pith still boots, on its hosted
machine; so nothing about QEMU ever fails set-up.
"""

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys

from trouble import SetUpError, run_captured, say

OLDEST_PYTHON = (3, 11)
OLDEST_QEMU = (7, 2)


def dotted(version):
    return ".".join(str(part) for part in version)


def check_version(version=sys.version_info):
    if tuple(version[:2]) < OLDEST_PYTHON:
        raise SetUpError(
            f"Pith needs Python {dotted(OLDEST_PYTHON)} or later; {sys.executable} is {dotted(version[:2])}",
            "install a newer Python and name it: make PYTHON=python3.12",
        )


def check_venv_modules():
    """Debian and Ubuntu cut these two modules out of Python, into a package of their own."""
    if not has_venv_modules() and may_install_packages():
        say("      this Python has no venv module: installing python3-venv from the system's packages")
        apt_get_install("python3-venv")
        importlib.invalidate_caches()
    if not has_venv_modules():
        raise SetUpError(
            f"this Python ({sys.executable}) cannot make virtual environments: no venv or ensurepip module",
            "on Debian or Ubuntu: apt-get install python3-venv; elsewhere: make PYTHON=another-python",
        )


def has_venv_modules():
    return all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip"))


def provide_qemu():
    """Install QEMU if that is ours to do; say how it is done if not."""
    version = qemu_version()
    if version is None and may_install_packages():
        say("      QEMU is absent: installing qemu-system-misc from the system's packages")
        apt_get_install("qemu-system-misc")
        version = qemu_version()
    if version is None:
        say("      QEMU is absent: Pith boots on its hosted machine instead")
        say("      to have it: apt-get install qemu-system-misc (Debian, Ubuntu), brew install qemu (macOS)")
    elif version < OLDEST_QEMU:
        say(f"      QEMU {dotted(version)} is too old: Pith needs {dotted(OLDEST_QEMU)} or later,")
        say("      and boots on its hosted machine instead; put a newer qemu-system-riscv64 first on PATH")
    else:
        say(f"      QEMU {dotted(version)}")


def qemu_version():
    """The version of the QEMU on the path as a tuple, or None when there is none that runs."""
    try:
        output = run_captured(["qemu-system-riscv64", "--version"], timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"version (\d+)\.(\d+)", output)
    return (int(match.group(1)), int(match.group(2))) if match else None


def may_install_packages():
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_get_install(package):
    """Install a system package; on failure show why and go on, for the caller looks at what came of it."""
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
