"""Run app.py as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def process_environment(**environment):
    """Return an environment for app.py: no settings of this machine, and warnings are errors."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TICKET_")}
    # Waitress leaves its own socket to the garbage collector, when it stops and when the port is taken.
    return others | {"PYTHONWARNINGS": "error,ignore::ResourceWarning", "PYTHONUTF8": "1"} | environment


def run_app(data_dir, *arguments, **environment):
    """Run a command of app.py as start.py does and return the finished process, with output as bytes."""
    return subprocess.run(
        [sys.executable, ROOT / "app.py", *arguments],
        env=process_environment(TICKET_DATA_DIR=str(data_dir)) | environment,
        capture_output=True,
        timeout=60,
    )
