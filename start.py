"""Prepare the packages in .venv and hand over to app.py: python3 start.py [BEFEHL], on Windows py start.py [BEFEHL].

Each set of packages and each Python has a folder of its own, so that a portal which runs keeps its packages. Uses the
standard library only, and syntax that an old Python 3 can parse, so that it can ask for a newer one.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = os.path.dirname(os.path.abspath(__file__))
VENVS = os.path.join(ROOT, ".venv")

# So many environments stay of each kind: a portal that still runs may use the last but one.
KEPT = 2

PYTHON = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")


def main():
    if sys.version_info < (3, 11):
        stop("Das Meldeportal braucht Python 3.11 oder neuer, hier läuft %d.%d." % sys.version_info[:2])
    arguments = sys.argv[1:]
    command = arguments[0] if arguments else ""
    python = prepare("test" if command in ("test", "python") else "run")
    if command == "einrichten":
        print("Das Meldeportal ist eingerichtet.")
    elif command == "python":
        hand_over([python] + arguments[1:])
    elif command == "test" and "--help" not in arguments:
        # Two processes per core, each with its own portal and browser: browser tests spend half their time waiting.
        processes = str(2 * (os.cpu_count() or 1))
        keep_files_in_memory()
        hand_over([python, "-m", "pytest", "-n", processes, "--dist", "worksteal"] + arguments[1:], cwd=ROOT)
    else:
        hand_over([python, os.path.join(ROOT, "app.py")] + arguments)


def prepare(kind):
    """Return the Python with the pinned packages of a kind, "run" or "test"; they are installed once."""
    folder = os.path.join(VENVS, "%s-%d.%d-%s" % ((kind,) + sys.version_info[:2] + (fingerprint(kind),)))
    python = os.path.join(folder, *PYTHON)
    if os.path.exists(folder):
        return python
    if importlib.util.find_spec("ensurepip") is None:
        stop("Es fehlt das Paket python3-venv. Auf Debian und Ubuntu: sudo apt install python3-venv")
    # Whoever installs may be another user than the one who runs the portal.
    former = os.umask(0o022)
    try:
        os.makedirs(VENVS, exist_ok=True)
        with locked():
            if not os.path.exists(folder):
                build(folder, "requirements-test.txt" if kind == "test" else "requirements.txt")
                remove_old(kind, folder)
    except PermissionError:
        stop(
            "Das Meldeportal ist noch nicht eingerichtet, und Sie dürfen im Ordner %s nicht schreiben. Bitte lassen "
            "Sie einmal jemanden, der das darf, diesen Befehl ausführen: start.py einrichten." % ROOT
        )
    except (OSError, subprocess.CalledProcessError):
        stop("Der Ordner .venv ließ sich nicht anlegen. Ist noch Platz, und dürfen Sie in diesen Ordner schreiben?")
    os.umask(former)
    return python


def build(folder, requirements):
    """Make an environment under another name, which a kill may leave unfinished, and rename it when it is complete."""
    for unfinished in Path(VENVS).glob("unfinished-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    fresh = os.path.join(VENVS, "unfinished-%d" % os.getpid())
    print("Einen Moment, das Meldeportal richtet sich ein …", flush=True)
    venv.create(fresh, clear=True, with_pip=True)
    print("Das Meldeportal lädt die Pakete, die es braucht …", flush=True)
    # Only the very files that were chosen: a wheel with another hash, or code that builds a package, never runs.
    options = ["--require-hashes", "--only-binary", ":all:", "-r", requirements]
    if os.path.isdir(os.path.join(ROOT, "wheels")):
        options = ["--no-index", "--find-links", "wheels"] + options
    command = [os.path.join(fresh, *PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"] + options
    if subprocess.call(command, cwd=ROOT) != 0:
        stop(
            "Die Pakete ließen sich nicht installieren. Ist der Rechner mit dem Internet verbunden, oder liegen alle "
            "Pakete im Ordner wheels?"
        )
    os.rename(fresh, folder)


def remove_old(kind, folder):
    others = [path for path in Path(VENVS).glob(kind + "-*") if path != Path(folder)]
    for path in sorted(others, key=lambda path: path.stat().st_mtime)[: 1 - KEPT or None]:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def locked():
    """Let only one start at a time build; the lock ends with its process."""
    with open(os.path.join(VENVS, "lock"), "a") as file:
        if os.name == "nt":
            import msvcrt

            while True:
                with contextlib.suppress(OSError):  # after ten seconds
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def keep_files_in_memory():
    """Let the tests keep their many small databases in memory, where syncing costs nothing, if there is room."""
    shared_memory = "/dev/shm"
    if os.path.isdir(shared_memory) and shutil.disk_usage(shared_memory).free > 4 * 1024**3:
        os.environ.setdefault("TMPDIR", shared_memory)


def fingerprint(kind):
    """Return a digest of the pinned packages."""
    names = ["requirements.txt"] + (["requirements-test.txt"] if kind == "test" else [])
    return hashlib.sha256(b"".join(Path(ROOT, name).read_bytes() for name in names)).hexdigest()[:12]


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


def stop(sentence):
    sys.exit("Fehler: " + sentence)


if __name__ == "__main__":
    main()
