"""Files are checked two at a time, by networks in turn; the network with the most waiting gives way to the others."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.files import attachments
from services.files.check_queue import CheckQueue
from services.security.rate_limit import QueueFull, TooManyUploads
from settings import settings
from tests.support.files.samples import PNG
from tests.support.pages import HTMX

ONE, TWO, THREE = "192.0.2.1", "2001:db8:2::1", "198.51.100.3"
ONES_OWN = "127.0.0.1"


class WatchedQueue(CheckQueue):
    """A queue that says when somebody has joined it."""

    def __init__(self):
        super().__init__(at_once=2)
        self.joined = threading.Event()

    def join(self, ip):
        place = super().join(ip)
        self.joined.set()
        return place


@pytest.fixture
def queue(app, monkeypatch):
    """The queue in which uploads wait for their check."""
    queue = WatchedQueue()
    monkeypatch.setattr(attachments, "content_checks", queue)
    return queue


@pytest.fixture
def upload(anna):
    """Upload a file as the form does when it is chosen, and return the answer."""
    values = {name: value for name, value in anna.get("/").fields().items() if name in ("csrf_token", "draft")}
    return lambda: anna.post("/anhaenge", values | {"files": (io.BytesIO(PNG), "Foto.png")}, headers=HTMX)


def join(queue, *ips):
    return [queue.join(ip) for ip in ips]


def states(places):
    """Return what became of each place: its turn, away, or still waiting."""
    return "".join(("x" if place.exception() else "T") if place.done() else "." for place in places)


def test_upload_waits_for_its_turn_behind_another_network(queue, upload):
    others = join(queue, *[ONE] * (settings.threads // 2))
    queue.joined.clear()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(upload)
        assert queue.joined.wait(20)
        # Two are checked, and the last of those who wait makes room for the newcomer.
        assert states(others) == "TT.....x"
        queue.leave(ONE)
        queue.leave(ONE)
        page = answer.result(20)
    assert page.status == 200
    assert "Foto.png entfernen" in page.text
    # Three of the other network, which had come before, still wait.
    assert states(others).count(".") == 3


def test_network_that_takes_half_of_the_threads_is_asked_to_wait(queue, upload):
    others = join(queue, *[ONES_OWN] * (settings.threads // 2))
    page = upload()
    assert page.status == 429
    assert page.response.headers["Portal-Notice"] == "yes"
    assert page.response.headers["Retry-After"] == "10"
    assert "Von Ihrem Internetanschluss kamen in der letzten Zeit sehr viele Dateien" in page.text
    assert list(settings.files_dir.iterdir()) == []
    assert states(others) == "TT......"


def test_form_without_scripts_is_shown_again_as_it_was_typed(queue, anna, submissions):
    join(queue, *[ONES_OWN] * (settings.threads // 2))
    page = anna.send("incident", files=[(io.BytesIO(PNG), "Foto.png")])
    assert page.status == 429
    assert "wählen Sie die Dateien in 10 Sekunden noch einmal aus" in page.text
    assert page.fields()["description"] == "Der Drucker zieht kein Papier ein."
    assert submissions() == []
    assert list(settings.files_dir.iterdir()) == []


def test_files_of_one_request_take_one_turn_after_the_other(queue, anna):
    join(queue, ONE)
    names = [f"Foto {number}.png" for number in range(5)]
    anna.report("incident", files=[(io.BytesIO(PNG), name) for name in names])
    assert states(join(queue, TWO, THREE)) == "T."


@pytest.mark.parametrize("content", [PNG, PNG[:20], b""], ids=["good", "broken", "empty"])
def test_turn_ends_whatever_the_file_is(queue, anna, content):
    for _ in range(3):
        anna.send("incident", files=[(io.BytesIO(content), "Foto.png")])
    assert states(join(queue, ONE, TWO, THREE)) == "TT."


def test_networks_take_turns(app):
    queue = CheckQueue(at_once=1)
    places = join(queue, ONE, ONE, ONE, TWO, TWO, THREE)
    order = []
    for _ in places:
        order += [index for index, place in enumerate(places) if place.done() and index not in order]
        queue.leave((ONE, ONE, ONE, TWO, TWO, THREE)[order[-1]])
    assert order == [0, 1, 3, 5, 2, 4]


@pytest.mark.parametrize(
    ("ips", "expected"),
    [
        # The IPv6 networks of one connection are one network.
        ([f"2001:db8:0:{number}::1" for number in range(9)], "TT......x"),
        ([ONE] * 8 + [TWO], "TT.....x."),
        ([ONE] * 6 + [TWO] * 3, "TT...x..."),
        ([ONE] * 4 + [TWO] * 5, "TT......x"),
        ([TWO] * 2 + [ONE] * 6 + [THREE] * 2, "TT....xx.."),
        # A place of each of many networks is refused to nobody.
        ([f"192.0.2.{number}" for number in range(40)], "TT" + "." * 38),
        # The network of those who are checked takes most.
        ([ONE] * 3 + [f"192.0.2.{number}" for number in range(10, 20)], "TTx" + "." * 10),
    ],
)
def test_network_that_takes_most_gives_way(app, ips, expected):
    places = join(CheckQueue(at_once=2), *ips)
    assert states(places) == expected
    assert {type(place.exception()) for place in places if place.done()} <= {type(None), TooManyUploads}


def test_strict_queue_takes_no_more_than_half_of_the_threads(app):
    networks = [f"192.0.2.{number}" for number in range(9)]
    places = join(CheckQueue(at_once=4, is_strict=True), *networks)
    assert states(places) == "TTTT....x"
    assert isinstance(places[-1].exception(), QueueFull)


def test_strict_queue_lets_the_network_that_takes_most_give_way(app):
    places = join(CheckQueue(at_once=4, is_strict=True), *[ONE] * 5, TWO, THREE, "192.0.2.4", "192.0.2.5", "192.0.2.6")
    assert states(places) == "TTTTx...." + "x"
    assert isinstance(places[4].exception(), TooManyUploads)
    assert isinstance(places[-1].exception(), QueueFull)


def test_room_is_free_again_after_turns(app):
    queue = CheckQueue(at_once=2)
    join(queue, *[ONE] * 8)
    for _ in range(8):
        queue.leave(ONE)
    assert states(join(queue, *[ONE] * 9)) == "TT......x"
