"""A server that is killed at the worst moment: what it has confirmed becomes one ticket, and nothing is sent twice."""

import json
import threading
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest

from tests.support.servers.http_client import HttpClient, code_on, with_file
from tests.support.servers.live_server import PNG

NEVER = 3600


def tickets_of(portal):
    """Let the worker do all that is due and return the tickets as a script of the office gets them."""
    portal.run("worker", "--einmal")
    return json.loads(portal.run("ticket", "liste", "--json"))


@pytest.fixture
def known(own_portal):
    return own_portal.add_customer("K1001", "Bäckerei Sommer")


def test_kill_between_receipt_and_worker(own_portal, known):
    own_portal.start(worker_tick_seconds=NEVER)
    line = HttpClient(own_portal)
    values = line.filled(known)
    code = code_on(line.post("/", values))
    own_portal.kill()
    assert json.loads(own_portal.run("ticket", "liste", "--json")) == []
    own_portal.start(worker_tick_seconds=0.05)
    assert code_on(line.post("/", values)) == code
    (ticket,) = tickets_of(own_portal)
    assert ticket["vorgang"] == code
    own_portal.kill()
    own_portal.start(worker_tick_seconds=0.05)
    assert code_on(line.post("/", values)) == code
    assert [ticket["vorgang"] for ticket in tickets_of(own_portal)] == [code]


def test_the_restarted_server_makes_the_ticket_by_itself(own_portal, known):
    own_portal.start(worker_tick_seconds=NEVER)
    line = HttpClient(own_portal)
    code = code_on(line.post("/", line.filled(known)))
    own_portal.kill()
    own_portal.start(worker_tick_seconds=0.05)
    # Each look takes a process; long before the last of them the worker had its turn.
    looks = (json.loads(own_portal.run("ticket", "liste", "--json")) for _ in range(20))
    (ticket,) = next(filter(None, looks))
    assert ticket["vorgang"] == code


def test_staged_file_survives_a_kill(own_portal, known):
    own_portal.start(worker_tick_seconds=NEVER)
    line = HttpClient(own_portal)
    values = line.filled(known)
    staged = line.post("/felder", *with_file(values, "Foto.png", PNG))
    assert "Foto.png" in staged.text_of("attachment-list")
    own_portal.kill()
    own_portal.start(worker_tick_seconds=NEVER)
    code = code_on(line.post("/", values))
    assert len(tickets_of(own_portal)) == 1
    whole = json.loads(own_portal.run("ticket", "zeigen", code, "--json"))
    assert [file["name"] for file in whole["anhaenge"]] == ["Foto.png"]
    target = own_portal.data_dir / "Kopie.png"
    own_portal.run("ticket", "anhang", code, "1", "--ziel", str(target))
    assert target.read_bytes() == PNG


def test_kill_while_many_send(own_portal, known):
    own_portal.start(worker_tick_seconds=0.05)
    receipts = threading.Semaphore(0)
    sent, confirmed = [], []

    def report_until_the_server_is_gone():
        line = HttpClient(own_portal)
        try:
            while True:
                values = line.filled(known)
                sent.append((line, values))
                confirmed.append(code_on(line.post("/", values)))
                receipts.release()
        except urllib.error.HTTPError as error:
            return error.code
        except (urllib.error.URLError, HTTPException, ConnectionError):
            return None
        finally:
            receipts.release()

    with ThreadPoolExecutor() as people:
        answers = [people.submit(report_until_the_server_is_gone) for _ in range(3)]
        for _ in range(6):
            if not receipts.acquire(timeout=10):
                break
        own_portal.kill()
    assert [answer.result() for answer in answers] == [None, None, None]
    own_portal.start(worker_tick_seconds=NEVER)
    # Who got no answer sends again, and so does who got one.
    codes = [code_on(line.post("/", values)) for line, values in sent]
    assert set(confirmed) <= set(codes)
    assert sorted(ticket["vorgang"] for ticket in tickets_of(own_portal)) == sorted(codes)


def test_stop_in_order(own_portal):
    own_portal.start()
    HttpClient(own_portal).get("/")
    assert own_portal.stop() == 0
    assert own_portal.log() == ""
