"""Two servers never work with one data folder; commands do, beside a running server."""

import re

from tests.support.processes import run_app
from tests.support.servers.live_server import free_port


def test_second_start_says_that_one_is_running(own_portal):
    own_portal.start()
    for port in (free_port(), own_portal.url.rpartition(":")[2]):
        second = run_app(own_portal.data_dir, TICKET_PORT=str(port))
        assert (second.returncode, second.stdout) == (1, b"")
        (sentence,) = second.stderr.decode().splitlines()
        assert f"Das Meldeportal läuft schon mit dem Datenordner {own_portal.data_dir} ({own_portal.url}" in sentence
        assert re.search(r", Prozess [0-9]+\)\.", sentence)


def test_commands_run_beside_a_server(own_portal):
    own_portal.start(backup_time="")  # A backup in the same second would have the same name.
    own_portal.add_customer("K1001", "Bäckerei Sommer")
    for command in (["kunde", "liste"], ["worker", "--einmal"], ["sichern"], ["pruefen"]):
        result = run_app(own_portal.data_dir, *command)
        assert result.returncode == 0, result.stderr.decode()


def test_server_starts_again_after_a_crash_and_after_its_end(own_portal):
    own_portal.start()
    own_portal.kill()
    own_portal.start()
    own_portal.stop()
    own_portal.start()


def test_start_that_fails_leaves_nothing_locked(own_portal):
    assert b"TICKET_HOST" in run_app(own_portal.data_dir, TICKET_HOST="192.0.2.1").stderr
    own_portal.start()
