"""Can time tell a right PIN from a wrong one or from an unknown number? python -m tests.stress.timing_attack [--probe]

Sends right, wrong and former PINs and unknown numbers in random order and compares the response times, and those of the
next page, as the AUC of each pair of kinds; 0.5 means no difference. A second set of wrong PINs is the control. First
the worker is idle, then it decides what was sent. With --probe, a stream of writing requests follows each submission
until it is decided and its mails are delivered, and their waiting times are compared. Limits are off, because they
allow ten wrong PINs a day.
"""

import argparse
import random
import re
import secrets
import statistics
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from contextlib import contextmanager
from itertools import combinations
from urllib.parse import urlencode, urlsplit

from enums import SubmissionState
from models import Contact, Customer, Submission
from services.mail import outbox
from tests.stress.load_generator import portal_under_load
from tests.support.pages import EXAMPLES
from tests.support.servers.http_client import with_file
from tests.support.servers.live_server import free_port
from tools.bench.http_client import GAP, Client

MAX_DEVIATION = 0.03
KINDS = ("right", "wrong", "unknown", "former", "control")
FILE = b"Zeile im Protokoll.\r\n" * 500

# With the short tick the worker is busy, and a sample of the probe takes a second; with the long one it does nothing.
QUICK_TICK_SECONDS, LONG_TICK_SECONDS = 0.3, 86400
AFTER_SECONDS = 0.6
TIMEOUT_SECONDS = 20

# For the probe, or for the answers with an idle or a busy worker.
TIME_LIMIT_SECONDS = 10 * 60


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.stress.timing_attack", description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=2000, help="of each kind")
    parser.add_argument("--probe", action="store_true", help="look at the waits of requests that write")
    options = parser.parse_args()
    with _mail_server_running() as smtp_url:
        mail = {"smtp_url": smtp_url} if options.probe else {}

        def start(portal, tick=QUICK_TICK_SECONDS if options.probe else LONG_TICK_SECONDS):
            portal.start(limits="off", backup_time="", worker_tick_seconds=tick, **mail)

        with portal_under_load(start) as (portal, _, load):
            _appoint(portal)
            known = load.known | {"former_pin": load.known["pin"], "pin": _new_pin(portal)}
            if options.probe:
                sys.exit(not _print(_probe(portal, known, options.samples)))
            is_hidden = _print(_answer_times(portal, known, options.samples, "idle worker"))
            portal.stop()
            start(portal, QUICK_TICK_SECONDS)
            is_hidden &= _print(_answer_times(portal, known, options.samples, "busy worker"))
    sys.exit(not is_hidden)


@contextmanager
def _mail_server_running():
    """Run a mail server that keeps nothing, and yield its URL.

    It has a process of its own: in this one it would take the processor from the prober whenever a mail arrives.
    """
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", address, "-c", "aiosmtpd.handlers.Sink"]
    with subprocess.Popen(command) as process:
        try:
            yield f"smtp://{address}"
        finally:
            process.terminate()


def _appoint(portal):
    """Add two approvers, so that a ticket causes the most mails possible."""
    with portal.database():
        for name in ("Bernd", "Petra"):
            Contact.create(is_approver=True, customer=Customer.get(), name=name, email=f"{name.lower()}@sommer.example")


def _new_pin(portal):
    return re.search(r"PIN: (\d{4} \d{4})", portal.run("kunde", "pin", "--nummer", "K1001"))[1]


def auc(one, other):
    """Return the probability that a sample of one is greater than one of the other; ties count half."""
    other = sorted(other)
    return sum(bisect_left(other, value) + bisect_right(other, value) for value in one) / 2 / len(one) / len(other)


def _in_random_order(samples):
    """Yield each kind `samples` times, in rounds of random order."""
    for _ in range(samples):
        yield from random.sample(KINDS, len(KINDS))


def _requests(client, known, file=None):
    """Return the parts of each kind of submission around the gap for its submission key."""
    cookie, token = client.session()
    pin, former_pin = (known[name].replace(" ", "") for name in ("pin", "former_pin"))
    wrong, other = (f"{(int(pin) + number) % 10**8:08}" for number in (1, 2))
    typed = {
        "right": {"pin": pin},
        "wrong": {"pin": wrong},
        "unknown": {"pin": pin, "customer_number": "K9999"},
        "former": {"pin": former_pin},
        "control": {"pin": other},
    }
    requests = {}
    for kind, changes in typed.items():
        values = known | EXAMPLES["incident"] | {"category": "incident", "csrf_token": token} | changes
        values |= {"draft": GAP.decode()}
        del values["former_pin"]
        body, media_type = urlencode(values | {"draft": ""}).encode() + GAP, "application/x-www-form-urlencoded"
        if file:
            body, media_type = with_file(values, "Protokoll.log", file)
        head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nContent-Type: {media_type}\r\n"
        requests[kind] = (f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body).split(GAP)
    return requests


def _fill(parts):
    draft = secrets.token_urlsafe(16)
    return draft.encode().join(parts), draft


def _timed(client, request, status):
    began = time.perf_counter()
    client.exchange(request, status)
    return time.perf_counter() - began


def _answer_times(portal, known, samples, situation):
    """Return the response times of submissions and of the next page, by feature and kind."""
    measured, ends = {}, time.monotonic() + TIME_LIMIT_SECONDS
    with Client(urlsplit(portal.url).port, known["pin"]) as client:
        for case, file in (("without a file", None), ("with a file", FILE)):
            requests = _requests(client, known, file)
            page = client.page()
            answers, nexts = ({kind: [] for kind in KINDS} for _ in range(2))
            for kind in _in_random_order(samples):
                if time.monotonic() > ends:
                    break
                answers[kind].append(_timed(client, _fill(requests[kind])[0], 303))
                nexts[kind].append(_timed(client, page, 200))
            measured[f"answer, {case}, {situation}"] = answers
            measured[f"page after it, {case}, {situation}"] = nexts
    return measured


def _probe(portal, known, samples):
    """Return the waiting times of writing requests while a submission is decided and mailed, by feature and kind."""
    port, ends = urlsplit(portal.url).port, time.monotonic() + TIME_LIMIT_SECONDS
    features = ("longest wait", "second longest", "all waits", "waits over 8 ms")
    measured = {feature: {kind: [] for kind in KINDS} for feature in features}
    with portal.database(), Client(port, known["pin"]) as client, Client(port, known["pin"]) as prober:
        requests = _requests(client, known)
        own, _ = _fill(_requests(prober, known)["wrong"])
        prober.exchange(own, 303)
        for kind in _in_random_order(samples):
            if time.monotonic() > ends:
                break
            request, draft = _fill(requests[kind])
            client.exchange(request, 303)
            # A repeated submission is not stored again, but takes the same lock.
            waits, until = [], time.perf_counter() + TIMEOUT_SECONDS
            while time.perf_counter() < until:
                waits.append(_timed(prober, own, 303))
                if until - time.perf_counter() > AFTER_SECONDS and _is_decided(draft):
                    until = time.perf_counter() + AFTER_SECONDS
            waits.sort(reverse=True)
            for feature, value in zip(
                features, (waits[0], waits[1], sum(waits[:20]), sum(wait > 0.008 for wait in waits)), strict=True
            ):
                measured[feature][kind].append(value)
        if outbox.failing_since():
            sys.exit("Mails were not delivered, so their delivery was not measured.")
    return measured


def _is_decided(draft):
    return Submission.get(Submission.draft == draft).state is not SubmissionState.PENDING


def _print(measured):
    """Print a table and say whether no kind can be told from another."""
    is_hidden = True
    for name, times in measured.items():
        print(f"\n{name}: {len(times['wrong'])} of each kind")
        for kind in KINDS:
            print(f"  {kind:10} median {1000 * statistics.median(times[kind]):9.3f}")
        for one, other in combinations(KINDS, 2):
            against = auc(times[one], times[other])
            is_hidden = is_hidden and abs(against - 0.5) <= MAX_DEVIATION
            print(f"  {one:>10} against {other:10} AUC {against:.3f}")
    return is_hidden


if __name__ == "__main__":
    main()
