"""Makes a virtual environment with the requirements of a job, unless it is there: `DIRECTORY REQUIREMENTS_FILE`.

Attempts that want the same one at the same time wait for the first: the lock is the kernel's, so it is let go however
its holder ends, and what a holder left half-made is made anew. The exit code is pip's.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys

directory, requirements = sys.argv[1:]
os.makedirs(os.path.dirname(directory), exist_ok=True)
ready = os.path.join(directory, "ready")
# An environment holds links to the interpreter that made it: another one makes its own.
interpreter = sys.version + os.path.realpath(sys.executable)


def is_ready() -> bool:
    try:
        with open(ready, encoding="utf-8") as file:
            return file.read() == interpreter
    except FileNotFoundError:
        return False


with open(directory + ".lock", "w", encoding="utf-8") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if is_ready():
        sys.exit(0)
    print("[emulator] installing the requirements", flush=True)
    shutil.rmtree(directory, ignore_errors=True)
    # A pip of its own takes seconds to unpack. The interpreter's does as well if it is seen inside, which it is not when
    # the interpreter is itself one of a virtual environment.
    sees_pip = sys.prefix == sys.base_prefix and importlib.util.find_spec("pip") is not None
    own_pip = ["--without-pip"] if sees_pip else []
    venv = [sys.executable, "-m", "venv", "--system-site-packages", *own_pip, directory]
    made = subprocess.run(venv, check=False)
    if made.returncode != 0:
        sys.exit(made.returncode)
    pip = [os.path.join(directory, "bin", "python"), "-m", "pip"]
    options = ["--quiet", "--no-input", "--disable-pip-version-check"]
    installed = subprocess.run([*pip, "install", *options, "-r", requirements], check=False)
    if installed.returncode != 0:
        sys.exit(installed.returncode)
    with open(ready + ".tmp", "w", encoding="utf-8") as file:
        file.write(interpreter)
    os.replace(ready + ".tmp", ready)
