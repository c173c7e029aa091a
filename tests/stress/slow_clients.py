"""500 slow clients beside normal ones, for a minute, on the running portal: python -m tests.stress.slow_clients

A third of the slow clients open a connection and send nothing, a third send the headers of a request byte by byte, a
third its body; a disconnected one reconnects at once. Shows that at least 99.9 % of the requests of normal visitors
(the form, its fields, a submission) are answered within 500 ms. All use one IP address, so limits are off.
"""

import argparse
import asyncio
import multiprocessing
import random
import secrets
import sys
import threading
import time
from collections import Counter
from urllib.parse import urlencode, urlsplit

from tests.stress.load_generator import portal_under_load, print_figures
from tests.support.pages import EXAMPLES
from tools.bench.http_client import GAP, BenchError, Client

VISITORS = 4
ENOUGH_SECONDS = 0.5
ENOUGH_SHARE = 0.999

# Mean pauses of a slow client between bytes and of a visitor between requests.
DRIP_SECONDS = 1
THINK_SECONDS = 0.05

HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HEAD_OF_BODY = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 500000\r\n\r\nname="
)
BEGINNINGS = (b"", HEAD, HEAD_OF_BODY)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.stress.slow_clients", description=__doc__.splitlines()[0])
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--threads", type=int, default=16, help="how many threads the server has")
    options = parser.parse_args()
    with portal_under_load(lambda portal: portal.start(limits="off", threads=options.threads, backup_time="")) as (
        portal,
        _,
        load,
    ):
        port, known = urlsplit(portal.url).port, load.known
        # In a separate process, so that their work does not slow down the measurement.
        context = multiprocessing.get_context("spawn")
        slow = context.Process(target=_be_slow, args=(port, options.slow, options.seconds + 5), daemon=True)
        slow.start()
        time.sleep(5)
        visits, faults = _visit(port, known, options.seconds)
        slow.kill()
        slow.join()
    seconds = sorted(took for _, took in visits)
    share = sum(took < ENOUGH_SECONDS for took in seconds) / len(seconds)
    figures = {"slow clients": options.slow, "threads": options.threads, "normal requests": len(seconds)}
    figures |= {f"of them {name}": number for name, number in Counter(name for name, _ in visits).items()}
    figures |= {
        "under 500 ms, in %": round(100 * share, 3),
        "median in ms": round(1000 * seconds[len(seconds) // 2]),
        "99 % within ms": round(1000 * seconds[int(0.99 * len(seconds))]),
        "99.9 % within ms": round(1000 * seconds[int(0.999 * len(seconds))]),
        "slowest in ms": round(1000 * seconds[-1]),
    }
    print_figures(figures, faults)
    sys.exit(bool(faults or share < ENOUGH_SHARE))


def _visit(port, known, seconds):
    """Let visitors send requests on new connections; return the kind and the duration of each, and the faults."""
    visits, faults, ends = [], [], time.monotonic() + seconds

    def visit():
        with Client(port, known["pin"]) as client:
            kinds = _requests(client, known)
        while time.monotonic() < ends:
            name, parts, status = random.choice(kinds)
            request = secrets.token_urlsafe(16).encode().join(parts)
            began = time.monotonic()
            try:
                with Client(port, known["pin"]) as client:
                    client.exchange(request, status)
            except (OSError, BenchError) as error:
                faults.append(f"{name}: {str(error)[:200]}")
            visits.append((name, time.monotonic() - began))
            time.sleep(random.uniform(0, 2 * THINK_SECONDS))

    threads = [threading.Thread(target=visit) for _ in range(VISITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return visits, faults


def _requests(client, known):
    """Return the kinds of requests: name, parts around the gap for a new submission key, and status."""
    cookie, token = client.session()
    values = known | EXAMPLES["incident"] | {"category": "incident", "csrf_token": token}
    body = urlencode(values).encode() + b"&draft=" + GAP
    head = f"Host: 127.0.0.1\r\nCookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    head += f"Content-Length: {len(body)}\r\n"
    return [
        ("form", client.page().split(GAP), 200),
        ("fields", (f"POST /felder HTTP/1.1\r\nHX-Request: true\r\n{head}\r\n".encode() + body).split(GAP), 200),
        ("request", (f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body).split(GAP), 303),
    ]


def _be_slow(port, number, seconds):
    """Keep this many connections open and send little on them."""

    async def crawl(beginning, ends):
        loop = asyncio.get_running_loop()
        while loop.time() < ends:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(beginning)
                while loop.time() < ends and not reader.at_eof():
                    if beginning:
                        writer.write(b"x")
                        await writer.drain()
                    await asyncio.sleep(random.uniform(0, 2 * DRIP_SECONDS))
                writer.close()
            except OSError:
                await asyncio.sleep(DRIP_SECONDS)

    async def crowd():
        ends = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(crawl(BEGINNINGS[index % len(BEGINNINGS)], ends) for index in range(number)))

    asyncio.run(crowd())


if __name__ == "__main__":
    main()
