"""Measure the portal beside a bare Flask app, on one machine and in one run: python -m tools.bench

Each round measures both, one after the other, with the idle one suspended; medians of the rounds count, with their
range. Nothing fails because it is slow; an answer with a wrong status ends the run. Where /tmp lies in memory, let
TMPDIR name a folder on a disk: writing safely is a part of what is measured. A run takes about a quarter of an hour.
"""

import argparse
import sys
import time
from functools import partial
from multiprocessing import Pool
from statistics import median, quantiles

from tools.bench import http_client, public_pages, servers, staff_pages
from tools.bench.http_client import BenchError, Client, Kind

PAGE = Kind("GET /", Client.page, 200)
SUBMISSION = Kind("submission", Client.submission, 303)
SUBMISSION_WITH_FILES = Kind("submission, 3 files of 300 kB", Client.submission_with_files, 303)

# Requests to the portal and to the bare app, the wanted ratio of their rates, and the most for that of their CPU time.
COMPARISONS = [
    (PAGE, PAGE, 4.0, None),
    (Kind("fragment, bare: GET /", Client.fragment, 200), PAGE, 0.9, None),
    (SUBMISSION, Kind("bare submission", Client.bare_submission, 303), 1.0, 1.2),
    (SUBMISSION_WITH_FILES, Kind("bare submission, files", Client.bare_submission_with_files, 303), 1.2, 0.9),
]

CLIENTS = (1, 8)
STARTS = 5
START_TARGET_SECONDS = 0.30
PAGE_CPU_TARGET_MS = 3.0
READER_TARGET = 3.0
DECISIONS_TARGET = 30.0
IDLE_TARGET_MIB, MEMORY_TARGET_MIB = 45, 60
MAX_REQUESTS = 100_000

# Submissions that wait when the decisions are measured.
BURST = 496

# Submissions before the memory is measured.
PLAIN, WITH_FILES = 824, 176
TIME_LIMIT_SECONDS = 600


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement (%(default)s)")
    parser.add_argument("--no-growth", action="store_true", help="leave out the staff area with many tickets")
    options = parser.parse_args()
    with Pool(max(CLIENTS) + 1) as pool:
        load = partial(_load, pool, seconds=options.seconds)
        without_limit = partial(_load, pool, seconds=TIME_LIMIT_SECONDS)
        try:
            _measure_throughput(load, options.rounds)
            _measure_reader(load, without_limit, options.rounds)
            _measure_page_cpu(options.rounds)
            _measure_start()
            _measure_memory(without_limit)
            if not options.no_growth:
                print()
                staff_pages.measure_growth(staff_pages.SIZES, options.rounds)
        except BenchError as error:
            sys.exit(f"The benchmark was stopped: {error}")


def _measure_throughput(load, rounds):
    """Compare rates, and the CPU time of the server for a request; it includes what the worker does meanwhile."""
    print(f"{'per second, and CPU ms of the server':34}{'clients':>8}{'portal':>9}{'bare':>9}{'ratio':>7}")
    with servers.portal() as portal, servers.bare() as bare:
        for portal_kind, bare_kind, target, cpu_target in COMPARISONS:
            for clients in CLIENTS:
                ours, theirs = [], []
                for _ in range(rounds):
                    with bare.paused():
                        ours.append(_rate_and_cpu(load, portal, portal_kind, clients))
                    with portal.paused():
                        theirs.append(_rate_and_cpu(load, bare, bare_kind, clients))
                rates, cpu = zip(*ours, strict=True), zip(*theirs, strict=True)
                (our_rates, our_cpu), (bare_rates, bare_cpu) = rates, cpu
                _print_ratio(portal_kind.name, clients, our_rates, bare_rates, least=target)
                _print_ratio("  CPU ms", clients, our_cpu, bare_cpu, most=cpu_target)


def _rate_and_cpu(load, server, kind, clients):
    before = server.cpu_seconds()
    results = load([(server, kind)] * clients)
    answered = sum(len(latencies) for latencies, _ in results)
    return answered / max(taken for _, taken in results), 1000 * (server.cpu_seconds() - before) / answered


def _print_ratio(name, clients, ours, theirs, least=None, most=None):
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    line = f"{name:34}{clients:8}{median(ours):9.2f}{median(theirs):9.2f}{median(ratios):7.2f}"
    line += f" ({min(ratios):.2f} to {max(ratios):.2f})"
    if least is not None:
        line += f"  at least {least:.1f}: {_verdict(median(ratios) >= least)}"
    if most is not None:
        line += f"  at most {most:.1f}: {_verdict(median(ratios) <= most)}"
    print(line, flush=True)


def _measure_reader(load, without_limit, rounds):
    """Measure a reader alone, beside eight that post, and while a burst is decided, which gives the decisions' rate.

    Each situation has a new server, because the worker is busy long after many submissions.
    """
    alone, beside, beside_files, beside_worker, decisions = [], [], [], [], []
    others = max(CLIENTS)
    for _ in range(rounds):
        with servers.portal() as portal:
            alone.append(_p95(load([(portal, PAGE)])))
            beside.append(_p95(load([(portal, PAGE)] + [(portal, SUBMISSION)] * others)))
        with servers.portal() as portal:
            beside_files.append(_p95(load([(portal, PAGE)] + [(portal, SUBMISSION_WITH_FILES)] * others)))
        with servers.portal() as portal:
            without_limit([(portal, SUBMISSION)] * others, limit=BURST // others)
            decided, began = portal.count("ticket"), time.monotonic()
            beside_worker.append(_p95(load([(portal, PAGE)])))
            _await_tickets(portal, BURST)
            decisions.append((BURST - decided) / (time.monotonic() - began))
    print(f"\np95 of a reader of GET /, alone {1000 * median(alone):.2f} ms")
    for name, busy in (("8 post", beside), ("8 post files", beside_files), ("a burst is decided", beside_worker)):
        _print_ratio(
            f"  while {name}, ms", 1, [1000 * p95 for p95 in busy], [1000 * p95 for p95 in alone], most=READER_TARGET
        )
    _print_figure("decisions per second", decisions, least=DECISIONS_TARGET)


def _measure_page_cpu(rounds):
    with servers.portal() as portal:
        for name, milliseconds in public_pages.measure(portal, rounds):
            _print_figure(f"CPU ms of {name}", milliseconds, most=PAGE_CPU_TARGET_MS)


def _measure_start():
    with_portal, with_bare, idle = [], [], []
    for _ in range(STARTS):
        with servers.portal() as portal:
            with_portal.append(portal.start_seconds)
            idle.append(portal.resident_mib())
        with servers.bare() as bare:
            with_bare.append(bare.start_seconds)
    _print_figure("start of app.py to first answer, s", with_portal, most=START_TARGET_SECONDS)
    _print_figure("  the bare app's", with_bare)
    _print_figure("memory after the first answer, MiB", idle, most=IDLE_TARGET_MIB)


def _measure_memory(load):
    """Measure the memory when every submission has a ticket."""
    with servers.portal(worker_tick_seconds=0.1) as portal:
        load([(portal, SUBMISSION)] * 8, limit=PLAIN // 8)
        load([(portal, SUBMISSION_WITH_FILES)] * 8, limit=WITH_FILES // 8)
        _await_tickets(portal, PLAIN + WITH_FILES)
        if portal.count("attachment") != WITH_FILES * http_client.FILES:
            raise BenchError(
                f"{portal.count('attachment')} files are stored, {WITH_FILES * http_client.FILES} were sent."
            )
        name = f"memory after {PLAIN + WITH_FILES} submissions, {WITH_FILES} with files, MiB"
        _print_figure(name, [portal.resident_mib()], most=MEMORY_TARGET_MIB)


def _await_tickets(portal, number):
    deadline = time.monotonic() + TIME_LIMIT_SECONDS
    while (tickets := portal.count("ticket")) != number:
        if time.monotonic() > deadline:
            raise BenchError(f"The worker made {tickets} tickets of {number} submissions.")
        time.sleep(0.2)


def _load(pool, clients, seconds, limit=MAX_REQUESTS):
    """Let clients, given as pairs of server and kind, send in parallel; return the latencies of each.

    The last entry of each is the time from the common beginning to its last answer.
    """
    begin = time.monotonic() + 0.2
    tasks = [(server.port, server.pin, kind, begin, seconds, limit) for server, kind in clients]
    return [(latencies, ended - begin) for latencies, ended in pool.starmap(http_client.run, tasks, chunksize=1)]


def _p95(results):
    """Return the 95th percentile of the first client's latencies."""
    return quantiles(results[0][0], n=20)[-1]


def _print_figure(name, figures, least=None, most=None):
    line = f"{name:58}{median(figures):9.2f} ({min(figures):.2f} to {max(figures):.2f})"
    if least is not None:
        line += f"  at least {least:.0f}: {_verdict(median(figures) >= least)}"
    if most is not None:
        line += f"  at most {most:g}: {_verdict(median(figures) <= most)}"
    print(line, flush=True)


def _verdict(met):
    return "met" if met else "missed"


if __name__ == "__main__":
    main()
