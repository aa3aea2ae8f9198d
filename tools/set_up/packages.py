"""Making the virtual environment, repairing it, and filling it with what Pith needs.

Repair keeps what is good, for the packages are 150 MB. An environment whose Python does not run, or is
not the one that the user names, is made anew. In any other, each package whose files are not all there is forgotten, so that
pip installs it again; if that package is pip, `ensurepip` brings it back.
"""

import os
import re
import shutil
import subprocess
import sys

import system
from environment import is_whole
from trouble import SetUpError, explain_output, run_captured, say


def make_environment(environment, insist):
    """Leave a virtual environment with a working pip: of this Python if there is none that runs, or if one insists."""
    directory = environment.directory
    if directory.exists() and not directory.is_dir():
        raise SetUpError(f"{directory} is in the way: it is not a directory", f"remove it: rm {directory}")
    complaint = unfitness(environment, insist)
    if not complaint:
        forget_half_installed(environment)
        if any(record.name.startswith("pip-") for record in environment.distributions()):
            return
        command = [str(environment.python), "-I", "-m", "ensurepip", "--default-pip"]
    else:
        if directory.exists():
            say(f"      {complaint}: making it anew")
        command = [sys.executable, "-m", "venv", "--clear", str(directory)]
    result = run_captured(command)
    if result.returncode != 0:
        raise explain_output(result.stdout, "the virtual environment could not be made")


def unfitness(environment, insist):
    """Why the environment's Python cannot be kept; empty if it can."""
    ask = "import sys; print(sys.prefix); print(*sys.version_info[:2])"
    try:
        result = run_captured([str(environment.python), "-I", "-c", ask])
        prefix, version = result.stdout.splitlines()
        found = tuple(int(part) for part in version.split())
    except (OSError, ValueError):
        return "its Python does not run"
    if not os.path.samefile(prefix, environment.directory):
        return "its Python does not belong to it"
    if found < system.OLDEST_PYTHON:
        return f"its Python {system.dotted(found)} is too old"
    if insist and found != sys.version_info[:2]:
        return f"its Python is {system.dotted(found)}, and {system.dotted(sys.version_info[:2])} is asked for"
    packages = environment.packages()
    if packages is None or packages.parent.name != f"python{system.dotted(found)}":
        return "its packages are those of another Python"
    return ""


def forget_half_installed(environment):
    """Drop the records of packages whose files are not all there.

    An interrupted pip leaves files without a record, or a record whose files are missing or cut short. Pip
    itself believes a record without looking.
    """
    directory = environment.packages()
    if directory is None:
        return
    for leftover in directory.glob("~*"):  # pip's own name for what it was about to delete
        remove(leftover)
    for record in environment.distributions():
        if not is_whole(directory, record):
            say(f"      {record.name.split('-')[0]} is half installed: installing it again")
            remove(record)


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def install(environment, extras):
    """Let pip install Pith, editable, and what it needs; pass on the lines that show how far it is."""
    command = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--retries", "2", "--progress-bar", "off", "--no-warn-script-location"]
    command += ["--editable", f"{environment.root}[{','.join(sorted(extras))}]"]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout:
            lines.append(line)
            if re.match(r"\s*(Collecting|Downloading|Installing collected)", line):
                say("      " + line.strip()[:100])
    if pip.returncode != 0:
        raise explain_output("".join(lines), "pip could not install the packages")
