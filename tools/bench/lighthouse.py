"""Run Lighthouse on the customer's pages as on a phone: python -m tools.bench.lighthouse

Needs Node and Chromium; npx fetches Lighthouse. The approver's page keeps its "noindex", which costs it points for SEO:
its URL is a secret. Of several runs the one in the middle counts; on a busy machine "blocked" says more about the
machine than about the page.
"""

import argparse
import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.bench.http_client import GAP, Client
from tools.screenshots import demo

CHROME_FLAGS = "--headless=new --no-sandbox --disable-background-networking"

COMMAND = "npx --yes lighthouse@13"

RUNS = 3

MEASURES = {
    "first paint": "first-contentful-paint",
    "largest": "largest-contentful-paint",
    "shift": "cumulative-layout-shift",
    "blocked": "total-blocking-time",
    "bytes": "total-byte-weight",
}


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.bench.lighthouse", description=__doc__.splitlines()[0])
    parser.add_argument("--command", default=COMMAND, help="how Lighthouse is started (%(default)s)")
    command = shlex.split(parser.parse_args().command)
    with demo() as (url, greeting):
        receipt, cookie = _send(int(url.rpartition(":")[2]))
        for path, headers in (
            ("/", {}),
            ("/hilfe", {}),
            (receipt, {"Cookie": cookie}),
            (re.search(r"/freigabe/\S+", greeting)[0], {}),
        ):
            reports = [_judge(command, url + path, headers) for _ in range(RUNS)]
            _print(path, sorted(reports, key=_performance)[RUNS // 2])


def _send(port):
    """Send a request; return the URL of its receipt and the cookie that opens it."""
    with Client(port, "1234 5678") as visitor:
        request = visitor.submission().replace(GAP, secrets.token_urlsafe(16).encode())
        answer = visitor.exchange(request, 303).decode()
    return re.search(r"\r\nLocation: (\S+)", answer)[1], re.search(r"\r\nSet-Cookie: (session=[^;]+)", answer)[1]


def _judge(command, url, headers):
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ["--quiet", "--output=json", f"--output-path={report}", f"--chrome-flags={CHROME_FLAGS}"]
        environment = {"CHROME_PATH": shutil.which("chromium")} | os.environ
        subprocess.run([*command, url, *options, f"--extra-headers={json.dumps(headers)}"], env=environment, check=True)
        return json.loads(report.read_text(encoding="utf-8"))


def _performance(report):
    return report["categories"]["performance"]["score"]


def _print(path, report):
    """Print the page's scores, its measurements and what costs points."""
    print(f"\n{path}")
    print(", ".join(f"{group['title']} {100 * group['score']:.0f}" for group in report["categories"].values()))
    audits = report["audits"]
    print(", ".join(f"{name} {audits[audit].get('displayValue')}" for name, audit in MEASURES.items()))
    weighed = [
        entry["id"] for group in report["categories"].values() for entry in group["auditRefs"] if entry["weight"]
    ]
    for audit in (audits[name] for name in weighed):
        if audit["score"] is not None and audit["score"] < 1:
            print(f"- {audit['title']}")


if __name__ == "__main__":
    main()
