"""Run app.py as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def process_environment(**environment):
    """Return the environment for a process of app.py: no setting of this machine reaches it, a warning ends it."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TICKET_")}
    # Waitress leaves its own socket to the garbage collector, when it stops and when the port is taken.
    return others | {"PYTHONWARNINGS": "error,ignore::ResourceWarning", "PYTHONUTF8": "1"} | environment


def run_app(data_dir, *arguments, **environment):
    """Run a command of app.py as a process of its own, as start.py does, and return what came of it, in bytes."""
    return subprocess.run(
        [sys.executable, ROOT / "app.py", *arguments],
        env=process_environment(TICKET_DATA_DIR=str(data_dir)) | environment,
        capture_output=True,
        timeout=60,
    )
