"""The portal as it really runs: app.py as a process of its own, and Chromium in front of it."""

import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from database import database, init_database
from tests.support.processes import ROOT, process_environment

READY = "Das Meldeportal läuft"
START_SECONDS = 30


def free_port():
    """Return a port that is free at all addresses of this machine."""
    with socket.create_server(("", 0)) as free:
        return free.getsockname()[1]


class LiveServer:
    """app.py with a data folder and a port of its own; it can be killed and started again."""

    def __init__(self, data_dir, **environment):
        self.data_dir = data_dir
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log_path = data_dir.with_name(f"{data_dir.name}.log")
        self._environment = process_environment(
            TICKET_DATA_DIR=str(data_dir),
            TICKET_PORT=str(port),
            TICKET_OFFICE_PHONE="0211 55500 (Zentrale) oder 0172 5550100",
            TICKET_OFFICE_EMAIL="support@muster-it.example",
            **environment,
        )
        self._process = None

    def start(self, **settings):
        """Start the server with these settings and wait until it says that it runs."""
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=ROOT,
                env=self._environment | {f"TICKET_{name.upper()}": str(value) for name, value in settings.items()},
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
            )
        # A server that hangs is killed, which ends its output and with it the wait.
        watch = threading.Timer(START_SECONDS, self._process.kill)
        watch.start()
        line = self.read_line()
        watch.cancel()
        if not line.startswith(READY):
            raise AssertionError(f"The server did not start, its exit code is {self._gone()}: {line}{self.log()}")

    def read_line(self):
        """Wait for the next line that the server prints and return it."""
        return self._process.stdout.readline()

    def kill(self):
        """End the server as a power cut would (SIGKILL)."""
        self._process.kill()
        self._gone()

    def stop(self):
        """End the server as a service manager does and return its exit code."""
        self._process.terminate()
        return self._gone()

    def log(self):
        """Return what the server has logged since its first start."""
        return self._log_path.read_text(encoding="utf-8")

    def run(self, *arguments, typed=None, check=True, timeout=60, **settings):
        """Run one command of app.py beside the server and return what it printed; what it asks for is typed."""
        command = [sys.executable, "app.py", *arguments]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self._environment | {f"TICKET_{name.upper()}": str(value) for name, value in settings.items()},
            check=check,
            input=typed,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            timeout=timeout,
        ).stdout

    def add_customer(self, number, name, *options):
        """Add a customer by the command and return its number, PIN and a sender's details."""
        printed = self.run("kunde", "neu", "--nummer", number, "--name", name, *options)
        pin = re.search(r"PIN: (\d{4} \d{4})", printed)[1]
        return {"customer_number": number, "pin": pin, "name": "Anna Sommer", "phone": "0211 555-0101"}

    @contextmanager
    def database(self):
        """Open the server's database from this process."""
        init_database(self.data_dir / "tickets.db")
        with database.connection_context():
            yield

    def _gone(self):
        self._process.stdout.close()
        return self._process.wait(START_SECONDS)


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    """A running portal for all tests that leave it running; at the end its log must be empty of errors."""
    portal = LiveServer(tmp_path_factory.mktemp("live") / "data")
    portal.start(submissions_per_hour=100_000, uploads_per_hour=100_000)
    yield portal
    log = portal.log()
    portal.stop()
    assert log == ""


@pytest.fixture
def own_portal(tmp_path):
    """A portal, not yet started, that a test may kill."""
    portal = LiveServer(tmp_path / "data")
    yield portal
    portal.kill()
