"""Measure the portal beside a bare Flask app, on one machine and in one run: python -m tools.bench

Each round measures both, one after the other, with the idle one suspended; the medians of the rounds count.
Nothing fails because it is slow; an answer with a wrong status ends the run. Where /tmp lies in memory, let TMPDIR name
a folder on a disk: writing safely is a part of what is measured.
"""

import argparse
import sys
import time
from functools import partial
from multiprocessing import Pool
from statistics import median, quantiles

from tools.bench import http_client, servers
from tools.bench.http_client import BenchError, Client, Kind

PAGE = Kind("GET /", Client.page, 200)
SUBMISSION = Kind("submission", Client.submission, 303)
SUBMISSION_WITH_FILES = Kind("submission, 3 files of 300 kB", Client.submission_with_files, 303)

# Requests to the portal and to the bare app, and the wanted ratio of their rates.
COMPARISONS = [
    (PAGE, PAGE, 4.0),
    (Kind("fragment, bare: GET /", Client.fragment, 200), PAGE, 0.7),
    (SUBMISSION, Kind("bare submission", Client.bare_submission, 303), 1.0),
    (SUBMISSION_WITH_FILES, Kind("bare submission, files", Client.bare_submission_with_files, 303), 1.2),
]

CLIENTS = (1, 8)
STARTS = 5
START_TARGET_SECONDS = 0.6
READER_TARGET = 3.0
MEMORY_TARGET_MIB = 60
MAX_REQUESTS = 100_000

# Submissions before the memory is measured.
PLAIN, WITH_FILES = 1000, 200
TIME_LIMIT_SECONDS = 600


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement (%(default)s)")
    options = parser.parse_args()
    with Pool(max(CLIENTS) + 1) as pool:
        load = partial(_load, pool, seconds=options.seconds)
        try:
            _measure_throughput(load, options.rounds)
            _measure_reader(load, options.rounds)
            _measure_start()
            _measure_memory(partial(_load, pool, seconds=TIME_LIMIT_SECONDS))
        except BenchError as error:
            sys.exit(f"The benchmark was stopped: {error}")


def _measure_throughput(load, rounds):
    print(f"{'requests per second':34}{'clients':>8}{'portal':>9}{'bare':>9}{'ratio':>8}{'target':>9}")
    with servers.portal() as portal, servers.bare() as bare:
        for portal_kind, bare_kind, target in COMPARISONS:
            for clients in CLIENTS:
                ours, theirs = [], []
                for _ in range(rounds):
                    with bare.paused():
                        ours.append(_rate(load([(portal, portal_kind)] * clients)))
                    with portal.paused():
                        theirs.append(_rate(load([(bare, bare_kind)] * clients)))
                ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
                start = f"{portal_kind.name:34}{clients:8}{median(ours):9.0f}{median(theirs):9.0f}"
                print(f"{start}{ratio:8.2f}{target:9.1f}  {_verdict(ratio >= target)}", flush=True)


def _measure_reader(load, rounds):
    """Measure a reader; each round has a new server, because the worker is busy long after many submissions."""
    alone, disturbed = [], []
    for _ in range(rounds):
        with servers.portal() as portal:
            alone.append(_p95(load([(portal, PAGE)])))
            disturbed.append(_p95(load([(portal, PAGE)] + [(portal, SUBMISSION)] * max(CLIENTS))))
    print(f"\np95 of GET /: {1000 * median(alone):.2f} ms alone, {1000 * median(disturbed):.2f} ms while 8 post")
    ratio = median(busy / quiet for busy, quiet in zip(disturbed, alone, strict=True))
    _print_figure("p95 while 8 clients post / alone", ratio, READER_TARGET)


def _measure_start():
    starts = []
    for _ in range(STARTS):
        with servers.portal() as portal:
            starts.append(portal.start_seconds)
    _print_figure("start of app.py to first answer, s", median(starts), START_TARGET_SECONDS)


def _measure_memory(load):
    """Measure the memory when every submission has a ticket."""
    with servers.portal(worker_tick_seconds=0.1) as portal:
        load([(portal, SUBMISSION)] * 8, limit=PLAIN // 8)
        _await_tickets(portal, PLAIN)
        _print_figure(f"memory after {PLAIN} submissions, MiB", portal.resident_mib(), MEMORY_TARGET_MIB)
        load([(portal, SUBMISSION_WITH_FILES)] * 8, limit=WITH_FILES // 8)
        _await_tickets(portal, PLAIN + WITH_FILES)
        if portal.count("attachment") != WITH_FILES * http_client.FILES:
            raise BenchError(
                f"{portal.count('attachment')} files are stored, {WITH_FILES * http_client.FILES} were sent."
            )
        print(f"(and after {WITH_FILES} more with files: {portal.resident_mib():.2f})")


def _await_tickets(portal, number):
    deadline = time.monotonic() + TIME_LIMIT_SECONDS
    while (tickets := portal.count("ticket")) != number:
        if time.monotonic() > deadline:
            raise BenchError(f"The worker made {tickets} tickets of {number} submissions.")
        time.sleep(0.5)


def _load(pool, clients, seconds, limit=MAX_REQUESTS):
    """Let clients, given as pairs of server and kind, send in parallel; return the latencies of each.

    The last entry of each is the time from the common beginning to its last answer.
    """
    begin = time.monotonic() + 0.2
    tasks = [(server.port, server.pin, kind, begin, seconds, limit) for server, kind in clients]
    return [(latencies, ended - begin) for latencies, ended in pool.starmap(http_client.run, tasks, chunksize=1)]


def _rate(results):
    return sum(len(latencies) for latencies, _ in results) / max(taken for _, taken in results)


def _p95(results):
    """Return the 95th percentile of the first client's latencies."""
    return quantiles(results[0][0], n=20)[-1]


def _print_figure(name, figure, most):
    print(f"{name:60}{figure:8.2f}{most:9.1f}  {_verdict(figure <= most)}", flush=True)


def _verdict(met):
    return "met" if met else "missed"


if __name__ == "__main__":
    main()
