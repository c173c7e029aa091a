"""The two servers under test, each a process with a temporary data folder."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path

from peewee import sqlite3

from tools.bench.http_client import CUSTOMER_NUMBER, BenchError, Client

ROOT = Path(__file__).parent.parent.parent
APP = [sys.executable, "app.py"]
BARE = [sys.executable, "tools/bench/bare_app.py"]

START_LIMIT_SECONDS = 30
LOG_SHOWN = 3000

# A ticket's confirmation goes to the address on file only.
CUSTOMER_EMAIL = "post@sommer.example"


class Server:
    """A running server that has answered once; `start_seconds` is the time this took."""

    def __init__(self, command, folder, port, environment, pin="1234 5678"):
        self.folder, self.port, self.pin = folder, port, pin
        # As installed: some development environments keep Python from storing its bytecode.
        environment = environment | {"PYTHONDONTWRITEBYTECODE": ""}
        began = time.monotonic()
        with (folder / "server.log").open("w") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        self._await_first_answer(began + START_LIMIT_SECONDS)
        self.start_seconds = time.monotonic() - began

    def stop(self):
        self._process.terminate()
        self._process.wait()

    @contextmanager
    def paused(self):
        """Suspend the process, so that its background work does not disturb other measurements."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def resumed(self):
        """Let the suspended process run for a while."""
        self._process.send_signal(signal.SIGCONT)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGSTOP)

    def resident_mib(self):
        """Return the resident memory of the process."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def cpu_seconds(self):
        """Return the CPU time that the process has used, in all of its threads."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def count(self, table):
        """Return the number of rows in a table of the portal's database."""
        return self.value(f"SELECT COUNT(*) FROM {table}")

    def value(self, query):
        """Return the one value that a query of the portal's database gives."""
        with closing(sqlite3.connect(self.folder / "tickets.db")) as database:
            return database.execute(query).fetchone()[0]

    def _await_first_answer(self, deadline):
        while True:
            try:
                with Client(self.port, self.pin) as visitor:
                    visitor.exchange(visitor.page(), 200)
                    return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise BenchError(f"{self._process.args} does not start.") from None
                time.sleep(0.001)


@contextmanager
def portal(**settings):
    """Run the portal by app.py without limits, in a temporary data folder with one customer."""
    with _folder_and_port() as (folder, port):
        values = {"data_dir": folder, "port": port, "limits": "off"} | settings
        environment = os.environ | {f"TICKET_{name.upper()}": str(value) for name, value in values.items()}
        command = [*APP, "kunde", "neu", "--nummer", CUSTOMER_NUMBER, "--name", "Bench", "--mail", CUSTOMER_EMAIL]
        added = subprocess.check_output(command, cwd=ROOT, env=environment, encoding="utf-8")
        server = Server(APP, folder, port, environment, pin=added.partition("PIN: ")[2].splitlines()[0])
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def filled_portal(fill):
    """Run the portal in a data folder that a function fills first."""
    with _folder_and_port() as (folder, port):
        fill(folder)
        environment = os.environ | {"TICKET_DATA_DIR": str(folder), "TICKET_PORT": str(port)}
        server = Server(APP, folder, port, environment)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def bare():
    """Run the bare app."""
    with _folder_and_port() as (folder, port):
        server = Server([*BARE, str(folder), str(port)], folder, port, os.environ)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _folder_and_port():
    """Yield a temporary folder and a free port; a BenchError gets the end of the server's log."""
    with tempfile.TemporaryDirectory(prefix="meldeportal-bench-") as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        try:
            yield Path(name), port
        except BenchError as error:
            log = (Path(name) / "server.log").read_text(encoding="utf-8")
            raise BenchError(f"{error}\n{log[-LOG_SHOWN:]}") from None
