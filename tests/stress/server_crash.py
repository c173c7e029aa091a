"""Kill the portal (SIGKILL) under load and resend what got no answer: python -m tests.stress.server_crash


Shows that no confirmed request is lost, doubled or incomplete (one ticket with its first event, both mails, its file),
and that each restart is healthy. Takes about a quarter of an hour and a few hundred MB in a temporary folder; set
TMPDIR to a folder on a real disk.
"""

import argparse
import random
import sys
import time

from tests.stress.load_generator import check_outcome, faults_of, health, portal_under_load, print_figures

LONGEST_LIFE_SECONDS = 1.2

# Everything is checked after so many kills.
LOOK_EVERY = 25
TIME_LIMIT_SECONDS = 30 * 60

REST_SECONDS = 2

# The topics of expected faults: there is no backup, and the limits are off.
EXPECTED = ("Sicherung", "Einstellungen")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.stress.server_crash", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    began = time.monotonic()
    kills, resent, faults = 0, 0, []
    with portal_under_load(_start) as (portal, _, load):
        while kills < options.kills and time.monotonic() - began < TIME_LIMIT_SECONDS:
            # Resend everything unanswered and some of the answered requests.
            again = _unanswered(load) + random.sample(load.requests, min(2, len(load.requests)))
            resent += len(again)
            load.start(again)
            time.sleep(random.uniform(0.02, LONGEST_LIFE_SECONDS))
            portal.kill()
            load.stop()
            kills += 1
            _start(portal)
            if health(portal) != "ok":
                faults.append("A restart was not healthy.")
            if kills % LOOK_EVERY == 0:
                faults += faults_of(portal, *EXPECTED)
                print(f"{kills} kills, {len(load.requests)} requests, {faults + load.faults}", flush=True)
        load.start(_unanswered(load))
        time.sleep(REST_SECONDS)
        load.stop()
        portal.kill()
        portal.run("worker", "--einmal", timeout=TIME_LIMIT_SECONDS)
        faults += load.faults + faults_of(portal, *EXPECTED)
        with portal.database():
            result = check_outcome(load.requests, portal.data_dir / "files")
    figures = {
        "kills": kills,
        "requests": len(load.requests),
        "sent again": resent,
        "confirmed": result.confirmed,
        "never answered": len(_unanswered(load)),
        "confirmed and lost": result.lost,
        "there twice": result.doubled,
        "half there": result.half,
        "seconds": round(time.monotonic() - began),
    }
    print_figures(figures, faults)
    sys.exit(bool(result.lost or result.doubled or result.half or faults))


def _unanswered(load):
    return [request for request in load.requests if not request.codes]


def _start(portal):
    portal.start(limits="off", worker_tick_seconds=0.05, backup_time="")


if __name__ == "__main__":
    main()
