"""Making the virtual environment, repairing it, and filling it with what Pith needs.

Repair keeps what is good, for the packages are 150 MB. An environment whose Python does not run, or is
another Python, is made anew. In any other, each package whose files are not all there is forgotten, so that
pip installs it again; if that package is pip, the `venv` module brings it back.
"""

import csv
import os
import re
import shutil
import subprocess
import sys

from trouble import SetUpError, explain_output, run_captured, say


def make_environment(environment):
    """Leave a virtual environment of this Python with a working pip."""
    directory = environment.directory
    if directory.exists() and not directory.is_dir():
        raise SetUpError(f"{directory} is in the way: it is not a directory", f"remove it: rm {directory}")
    if runs(environment, f"import sys; assert sys.version == {sys.version!r}"):
        forget_half_installed(environment)
        if any(record.name.startswith("pip-") for record in environment.distributions()):
            return
        keep_or_clear = []
    else:
        keep_or_clear = ["--clear"]
    result = run_captured([sys.executable, "-m", "venv", *keep_or_clear, str(directory)])
    if result.returncode != 0:
        raise explain_output(result.stdout, "the virtual environment could not be made")


def runs(environment, statement):
    """Whether the environment's Python runs `statement`."""
    try:
        return run_captured([str(environment.python), "-I", "-c", statement]).returncode == 0
    except OSError:
        return False


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


def is_whole(directory, record):
    """Whether every file that a distribution's RECORD lists is there, in full."""
    try:
        with open(record / "RECORD", newline="") as rows:
            for path, _, size in csv.reader(rows):
                if size and os.stat(directory / path).st_size != int(size):
                    return False
    except (OSError, ValueError):
        return False
    return (record / "METADATA").exists()


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
