"""Prepare .venv and hand over to app.py: python3 start.py [BEFEHL], on Windows py start.py [BEFEHL].

Uses the standard library only, and syntax that an old Python 3 can parse, so that it can ask for a newer one.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")


def main():
    if sys.version_info < (3, 11):
        stop("Das Meldeportal braucht Python 3.11 oder neuer, hier läuft %d.%d." % sys.version_info[:2])
    arguments = sys.argv[1:]
    testing = arguments[:1] == ["test"]
    prepare("requirements-test.txt" if testing else "requirements.txt")
    if testing and "--help" not in arguments:
        # Two processes per core, each with its own portal and browser: browser tests spend half their time waiting.
        processes = str(2 * (os.cpu_count() or 1))
        keep_files_in_memory()
        hand_over([PYTHON, "-m", "pytest", "-n", processes, "--dist", "worksteal"] + arguments[1:], cwd=ROOT)
    hand_over([PYTHON, os.path.join(ROOT, "app.py")] + arguments)


def prepare(requirements):
    """Create .venv and install the pinned packages, unless that is already done."""
    wanted = fingerprint()
    stamp = os.path.join(VENV, requirements + ".installed")
    if read(stamp) == wanted:
        return
    if read(os.path.join(VENV, "created")) != sys.version:
        if importlib.util.find_spec("ensurepip") is None:
            stop("Es fehlt das Paket python3-venv. Auf Debian und Ubuntu: sudo apt install python3-venv")
        print("Einen Moment, das Meldeportal richtet sich ein …", flush=True)
        try:
            venv.create(VENV, clear=True, with_pip=True)
        except (OSError, subprocess.CalledProcessError):
            stop("Der Ordner .venv ließ sich nicht anlegen. Ist noch Platz, und dürfen Sie in diesen Ordner schreiben?")
        Path(VENV, "created").write_text(sys.version, "utf-8")
    print("Das Meldeportal lädt die Pakete, die es braucht …", flush=True)
    # Only the very files that were chosen: a wheel with another hash, or code that builds a package, never runs.
    verified = ["--require-hashes", "--only-binary", ":all:", "-r", requirements]
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"] + verified
    if subprocess.call(command, cwd=ROOT) != 0:
        stop("Die Pakete ließen sich nicht installieren. Ist der Rechner mit dem Internet verbunden?")
    Path(stamp).write_text(wanted, "utf-8")


def keep_files_in_memory():
    """Let the tests keep their many small databases in memory, where syncing costs nothing, if there is room."""
    shared_memory = "/dev/shm"
    if os.path.isdir(shared_memory) and shutil.disk_usage(shared_memory).free > 4 * 1024**3:
        os.environ.setdefault("TMPDIR", shared_memory)


def fingerprint():
    """Return a digest of the requirements and the Python version."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("requirements.txt", "requirements-test.txt"):
        digest.update(read(os.path.join(ROOT, name)).encode())
    return digest.hexdigest()


def hand_over(command, cwd=None):
    """Replace this process by the command; on Windows, where that is impossible, wait for its end."""
    if os.name != "nt":
        if cwd:
            os.chdir(cwd)
        os.execv(command[0], command)
    try:
        sys.exit(subprocess.call(command, cwd=cwd))
    except KeyboardInterrupt:
        sys.exit(0)


def read(path):
    try:
        return Path(path).read_text("utf-8")
    except FileNotFoundError:
        return ""


def stop(sentence):
    sys.exit("Fehler: " + sentence)


if __name__ == "__main__":
    main()
