"""Attacks from a few addresses, and an honest visitor beside each: python -m tests.stress.availability

Each attack has a portal of its own, which believes the addresses that its web server names. The honest visitors must
be refused nothing: a photo and a report while four addresses fill the staged files, and the queue while four sites do;
reports of ten customers after 110 wrong PINs from one site and 300 from three; a sign-in after three addresses tried
passwords; reports while 2,000 connections from four addresses drip through nginx, if that is installed. It takes about
three minutes and 100 MB.
"""

import io
import random
import resource
import shutil
import sys
import tempfile
import threading
import time
import urllib.error
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image

from models import Submission, Ticket
from tests.stress.load_generator import print_figures
from tests.support.servers.http_client import HttpClient, with_file
from tests.support.servers.live_server import LiveServer, free_port
from tests.support.servers.web_server import PROGRAMS, Nginx

HONEST, NEW_PLACE = "198.51.100.1", "198.51.100.99"
CUSTOMERS = 12
PASSWORD = "vier Wolken im Tee"
MEGABYTE = 1_000_000

# Longer than the worker needs for what an attack sends.
DECIDED_WITHIN_SECONDS = 120

DRIPPING = 2000

# How long somebody at a new device tries to sign in.
PATIENCE_SECONDS = 120


class Browser(HttpClient):
    """A browser without scripts at an address of its own, named as by a web server in front."""

    def __init__(self, portal, address):
        super().__init__(portal)
        self._opener.addheaders = [("X-Forwarded-For", address), ("X-Forwarded-Proto", "http")]
        self.took = []

    def tries(self, path, values, *content_type):
        """Send a form and return the page, or None if it was refused; the time that it took is recorded."""
        began = time.monotonic()
        try:
            return self.post(path, values, *content_type)
        except urllib.error.HTTPError as error:
            error.close()
            return None
        finally:
            self.took.append(time.monotonic() - began)

    def reports(self, known, **typed):
        """Send a report and say whether it arrived."""
        page = self.tries("/", self.filled(known) | typed)
        return page is not None and "eingegangen" in page.text

    def stages(self, name, content):
        """Choose a file and say whether it was taken."""
        fields = self.get("/").fields().to_dict() | {"category": "incident"}
        return self.tries("/anhaenge", *with_file(fields, name, content)) is not None

    def signs_in(self):
        """Sign in to the staff area and say whether that worked."""
        fields = self.get("/verwaltung/anmelden").fields("/verwaltung/anmelden").to_dict()
        page = self.tries("/verwaltung/anmelden", fields | {"name": "Clara Neumann", "password": PASSWORD})
        return page is not None and "Heute" in page.text


def main():
    figures, faults = {}, []
    attacks = [staged_files, queue, wrong_pins, sign_in]
    if shutil.which("nginx", path=PROGRAMS):
        attacks.append(dripping_connections)
    for attack in attacks:
        for name, (refused, tried) in attack().items():
            figures[f"{name}: refused of {tried}"] = refused
            if refused:
                faults.append(f"{name}: {refused} of {tried} were refused.")
    print_figures(figures, faults)
    sys.exit(bool(faults))


@contextmanager
def portal(**settings):
    """Run a portal that believes the addresses which this process names, unless the settings say otherwise."""
    with tempfile.TemporaryDirectory(prefix="ordeal-") as name:
        running = LiveServer(Path(name) / "data")
        running.run("verwaltung", "neu", "--name", "Clara Neumann", typed=f"{PASSWORD}\n{PASSWORD}\n")
        running.start(**{"trusted_proxy": "127.0.0.1", "backup_time": ""} | settings)
        try:
            yield running
        finally:
            running.kill()


def customers(running):
    return [running.add_customer(f"K2{number:03}", f"Kunde {number}") for number in range(CUSTOMERS)]


def refused(answers):
    """Return how many answers were refusals, and of how many."""
    return sum(not answer for answer in answers), len(answers)


def photo():
    """Return a picture of noise, as large as a phone's."""
    picture = io.BytesIO()
    Image.frombytes("RGB", (1000, 1000), random.randbytes(3_000_000)).save(picture, "JPEG", quality=90)
    return picture.getvalue()


def staged_files():
    """Four addresses fill the space for files that are not yet sent; then somebody sends a report with photos."""
    with portal(staged_total_mib=48) as running:
        known = running.add_customer("K1001", "Bäckerei Sommer")
        for number in range(4):
            browser = Browser(running, f"203.0.113.{number}")
            for index in range(8):
                browser.stages(f"{index}.txt", random.randbytes(1).hex().encode() * MEGABYTE)
        honest = Browser(running, HONEST)
        photos = [honest.stages("Foto.jpg", photo()) for _ in range(3)]
        values = honest.filled(known)
        page = honest.tries("/", *with_file(values, "Foto.jpg", photo()))
        return {"photos": refused(photos), "report with a photo": refused([page and "eingegangen" in page.text])}


def queue():
    """Four sites fill the queue of a portal whose worker is late; then others send reports."""
    with portal(worker_tick_seconds=3600) as running:
        known = running.add_customer("K1001", "Bäckerei Sommer")

        def fill(site):
            for network in range(9):
                browser = Browser(running, f"2001:db8:{site}:{network}::1")
                for _ in range(20):
                    browser.reports(known, pin="11111111")

        threads = [threading.Thread(target=fill, args=[site]) for site in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers = [Browser(running, f"198.51.100.{number}").reports(known) for number in range(5)]
        return {"reports at a full queue": refused(answers)}


def wrong_pins():
    """One site tries 110 PINs of ten customers, then three try 300; customers who reported before report again."""
    results = {}
    for name, guesses, sites in (("after 110 wrong PINs", 110, 1), ("after 300 wrong PINs", 300, 3)):
        with portal() as running:
            known = customers(running)
            homes = [Browser(running, f"198.51.100.{number}") for number in range(CUSTOMERS)]
            for home, one in zip(homes, known, strict=True):
                home.reports(one)
            _wait_for_decisions(running)
            for number in range(guesses):
                site, network = number % sites, number // sites // 25
                guesser = Browser(running, f"2001:db8:{site}:{network}::1")
                guesser.reports(known[number % (CUSTOMERS - 2)], pin=f"1111{number:04}")
            _wait_for_decisions(running)
            before = _tickets(running)
            for home, one in zip(homes, known, strict=True):
                home.reports(one)
            _wait_for_decisions(running)
            results[name] = CUSTOMERS - (_tickets(running) - before), CUSTOMERS
            print(
                f"{name}: {_amid_guesses(running, known)} of {CUSTOMERS} reports from a new place wait for a call back"
            )
    return results


def sign_in():
    """Three addresses try passwords of the office; then it signs in from its own browser and from a new place.

    Once more without the address of the web server, so that all visitors seem to be one.
    """
    results = {}
    for name, proxy in (("", "127.0.0.1"), (", all at one address", "")):
        results |= {f"{place}{name}": answers for place, answers in _sign_in_amid_guesses(proxy).items()}
    return results


def _sign_in_amid_guesses(proxy):
    with portal(trusted_proxy=proxy) as running:
        office = Browser(running, HONEST)
        assert office.signs_in()
        office.post("/verwaltung/abmelden", office.get("/verwaltung/").fields("/verwaltung/abmelden").to_dict())
        over = threading.Event()

        def guess(number):
            guesser = Browser(running, f"203.0.113.{number}")
            fields = guesser.get("/verwaltung/anmelden").fields("/verwaltung/anmelden").to_dict()
            while not over.wait(0.3):
                guesser.tries("/verwaltung/anmelden", fields | {"name": "Clara Neumann", "password": "Sommer2026!"})

        guessers = [threading.Thread(target=guess, args=[number]) for number in range(3)]
        for guesser in guessers:
            guesser.start()
        time.sleep(10)
        from_known_browser = office.signs_in()
        new_place, began = Browser(running, NEW_PLACE), time.monotonic()
        while not (from_new_place := new_place.signs_in()) and time.monotonic() < began + PATIENCE_SECONDS:
            time.sleep(random.uniform(1, 3))
        print(f"{len(new_place.took)} tries in {time.monotonic() - began:.0f} s to sign in from a new place")
        over.set()
        for guesser in guessers:
            guesser.join()
        return {"sign-in, known browser": refused([from_known_browser]), "new place": refused([from_new_place])}


def dripping_connections():
    """Four addresses keep 2,000 uploads through nginx open and send a byte now and then; others send reports."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (DRIPPING * 4, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    port = free_port()
    with portal(base_url=f"https://localhost:{port}") as running:
        known = running.add_customer("K1001", "Bäckerei Sommer")
        server = Nginx(running.data_dir.parent / "nginx", running.url, port)
        server.start()
        lines, over = [], threading.Event()

        def drip(source):
            mine = []
            while not over.wait(0.001):
                with suppress(OSError):
                    if len(mine) < DRIPPING // 4:
                        mine.append(server.begin_upload(source)[0])
                        lines.append(mine[-1])
                    else:
                        random.choice(mine).sendall(b"x")

        attackers = [threading.Thread(target=drip, args=[f"127.0.3.{number}"]) for number in range(1, 5)]
        for attacker in attackers:
            attacker.start()
        while len(lines) < DRIPPING:
            time.sleep(0.5)
        answers, slowest = [], 0
        for number in range(1, 21):
            client, began = server.client(f"127.0.4.{number}"), time.monotonic()
            answers.append("eingegangen" in client.post("/", client.filled(known)).text)
            slowest = max(slowest, time.monotonic() - began)
        print(f"the slowest of 20 reports beside {DRIPPING} dripping connections took {slowest:.2f} s")
        over.set()
        for attacker in attackers:
            attacker.join()
        for line in lines:
            line.close()
        server.stop()
        return {"reports beside dripping connections": refused(answers)}


def _wait_for_decisions(running):
    ends = time.monotonic() + DECIDED_WITHIN_SECONDS
    while time.monotonic() < ends:
        with running.database():
            if not Submission.pending().exists():
                return
        time.sleep(0.5)
    raise AssertionError("The worker did not decide in time.")


def _amid_guesses(running, known):
    """Report for each customer from an address that is not known, and return how many reports opened no ticket."""
    before = _tickets(running)
    for number, one in enumerate(known):
        Browser(running, f"192.0.2.{number}").reports(one)
    _wait_for_decisions(running)
    return len(known) - (_tickets(running) - before)


def _tickets(running):
    with running.database():
        return Ticket.select().count()


if __name__ == "__main__":
    main()
