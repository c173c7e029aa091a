"""A server that is killed at the worst moment: each confirmed submission becomes exactly one ticket."""

import json
import threading
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest

from tests.support.files.samples import SMALL_PNG
from tests.support.servers.http_client import HttpClient, code_on, with_file

NEVER = 3600


def tickets_of(portal):
    """Run the worker and return the tickets as JSON, as a script gets them."""
    portal.run("worker", "--einmal")
    return json.loads(portal.run("ticket", "liste", "--json"))


@pytest.fixture
def known(own_portal):
    return own_portal.add_customer("K1001", "Bäckerei Sommer")


def test_kill_between_receipt_and_worker(own_portal, known):
    own_portal.start(worker_tick_seconds=NEVER)
    client = HttpClient(own_portal)
    values = client.filled(known)
    code = code_on(client.post("/", values))
    own_portal.kill()
    assert json.loads(own_portal.run("ticket", "liste", "--json")) == []
    own_portal.start(worker_tick_seconds=0.05)
    assert code_on(client.post("/", values)) == code
    (ticket,) = tickets_of(own_portal)
    assert ticket["vorgang"] == code
    own_portal.kill()
    own_portal.start(worker_tick_seconds=0.05)
    assert code_on(client.post("/", values)) == code
    assert [ticket["vorgang"] for ticket in tickets_of(own_portal)] == [code]


def test_the_restarted_server_creates_the_ticket(own_portal, known):
    own_portal.start(worker_tick_seconds=NEVER)
    client = HttpClient(own_portal)
    code = code_on(client.post("/", client.filled(known)))
    own_portal.kill()
    own_portal.start(worker_tick_seconds=0.05)
    # Each command takes a process; the worker runs long before the last one.
    lists = (json.loads(own_portal.run("ticket", "liste", "--json")) for _ in range(20))
    (ticket,) = next(filter(None, lists))
    assert ticket["vorgang"] == code


def test_staged_file_survives_a_kill(own_portal, known):
    own_portal.start(worker_tick_seconds=NEVER)
    client = HttpClient(own_portal)
    values = client.filled(known)
    staged = client.post("/felder", *with_file(values, "Foto.png", SMALL_PNG))
    assert "Foto.png" in staged.text_of("attachment-list")
    own_portal.kill()
    own_portal.start(worker_tick_seconds=NEVER)
    code = code_on(client.post("/", values))
    assert len(tickets_of(own_portal)) == 1
    details = json.loads(own_portal.run("ticket", "zeigen", code, "--json"))
    assert [file["name"] for file in details["anhaenge"]] == ["Foto.png"]
    target = own_portal.data_dir / "Kopie.png"
    own_portal.run("ticket", "anhang", code, "1", "--ziel", str(target))
    assert target.read_bytes() == SMALL_PNG


def test_kill_while_many_send(own_portal, known):
    own_portal.start(worker_tick_seconds=0.05)
    receipts = threading.Semaphore(0)
    sent, confirmed = [], []

    def report_until_the_server_is_killed():
        client = HttpClient(own_portal)
        try:
            while True:
                values = client.filled(known)
                sent.append((client, values))
                confirmed.append(code_on(client.post("/", values)))
                receipts.release()
        except urllib.error.HTTPError as error:
            return error.code
        except (urllib.error.URLError, HTTPException, ConnectionError):
            return None
        finally:
            receipts.release()

    with ThreadPoolExecutor() as people:
        results = [people.submit(report_until_the_server_is_killed) for _ in range(3)]
        for _ in range(6):
            if not receipts.acquire(timeout=10):
                break
        own_portal.kill()
    assert [result.result() for result in results] == [None, None, None]
    own_portal.start(worker_tick_seconds=NEVER)
    # Everybody sends again, with or without a response to the first request.
    codes = [code_on(client.post("/", values)) for client, values in sent]
    assert set(confirmed) <= set(codes)
    assert sorted(ticket["vorgang"] for ticket in tickets_of(own_portal)) == sorted(codes)


def test_orderly_stop(own_portal):
    own_portal.start()
    HttpClient(own_portal).get("/")
    assert own_portal.stop() == 0
    assert own_portal.log() == ""
