"""Change the rules by one small slip at a time and see whether the tests notice: python -m tools.mutate [MODULE …]

mutmut makes the slips and runs the tests of each module in a copy of the checkout. `--sample N` tries N slips of each
module, always the same ones. Prints a score per module, then every slip that no test noticed. Takes from minutes to
hours; needs Linux or macOS. Which survivors do not matter, and why, is in docs/decisions/tests.md.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.processes import ROOT

# The modules that hold rules, each with the tests that must notice when a rule is wrong.
RULES = {
    "settings.py": ["tests/test_settings.py"],
    "services/workdays.py": ["tests/public/form/test_lead_time.py", "tests/services/tickets/test_reminders.py"],
    "services/search.py": ["tests/staff/tickets/test_queue.py", "tests/services/privacy"],
    "services/intake/intake.py": ["tests/services/intake", "tests/public", "tests/services/security", "tests/staff"],
    "services/security/pin_lockout.py": ["tests/services/security/test_pin_lockout.py"],
    "services/security/login_throttle.py": ["tests/services/security/test_login_throttle.py"],
    "services/staff/sessions.py": ["tests/staff/sign_in"],
    "services/files/attachments.py": ["tests/services/files", "tests/public/form"],
    "services/tickets/actions.py": ["tests/staff/tickets"],
    "services/tickets/locking.py": ["tests/staff/tickets", "tests/services/tickets"],
    "services/tickets/approvals.py": ["tests/services/tickets", "tests/public/test_approval.py", "tests/staff/tickets"],
    "services/tickets/queue.py": ["tests/staff/tickets"],
    "services/mail/access_links.py": ["tests/public/test_ticket.py", "tests/public/test_approval.py", "tests/services"],
    "services/mail/outbox.py": ["tests/services/mail", "tests/services/tickets", "tests/staff/office"],
    "services/mail/delivery.py": ["tests/services/mail", "tests/staff/office"],
    "services/privacy/retention.py": ["tests/services/privacy"],
    "services/privacy/erasure.py": ["tests/services/privacy"],
    "services/operations/backup.py": ["tests/services/operations"],
    "services/operations/restore.py": ["tests/services/operations"],
}

CONFIG = """
[tool.mutmut]
source_paths = ["."]
also_copy = ["."]
only_mutate = {modules}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:randomly"]
# What a log line says is for people; the rules do not depend on it.
do_not_mutate_patterns = ["log\\\\.", "raise UserError"]
"""


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="paths from RULES; all without any")
    parser.add_argument("--sample", type=int, metavar="N", help="try N slips of each module instead of all")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    noticed = tried = 0
    for module in options.modules or RULES:
        result = try_module(module, options.sample, options.processes)
        survivors = [name for name, state in result.items() if state == "survived"]
        noticed, tried = noticed + len(result) - len(survivors), tried + len(result)
        print(f"{module}: {len(result) - len(survivors)} of {len(result)} noticed", flush=True)
        for name in survivors:
            print(f"  survived: {name}", flush=True)
    print(f"All: {noticed} of {tried} noticed ({noticed / max(tried, 1):.0%})")


def try_module(module, sample, processes):
    """Return the outcome of each slip that was tried, by its name."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), folder], check=True)
        with Path(folder, "pyproject.toml").open("a", encoding="utf-8") as config:
            config.write(CONFIG.format(modules=json.dumps([module]), tests=json.dumps(RULES[module])))
        run = [sys.executable, "-m", "mutmut", "run", "--max-children", str(processes)]
        log = Path(folder, "mutmut.log").open("w", encoding="utf-8")
        with log:
            if sample:
                # Names match nothing: this only makes the slips.
                subprocess.run([*run, "none"], cwd=folder, stdout=log, stderr=log)
                names = sorted(outcomes(folder, module))
                run += random.Random(module).sample(names, min(sample, len(names)))
            subprocess.run(run, cwd=folder, stdout=log, stderr=log)
        found = {name: state for name, state in outcomes(folder, module).items() if state != "not checked"}
        for name, state in found.items():
            if state == "survived":
                shown = subprocess.run(
                    [sys.executable, "-m", "mutmut", "show", name], cwd=folder, capture_output=True, text=True
                )
                print(shown.stdout)
        return found


def outcomes(folder, module):
    """Return the outcome of every slip in a module, "not checked" if it was not tried."""
    meta = json.loads(Path(folder, "mutants", f"{module}.meta").read_text("utf-8"))
    return {name: STATES.get(code, "noticed") for name, code in meta["exit_code_by_key"].items()}


STATES = {None: "not checked", 0: "survived", 5: "survived", 33: "survived"}


if __name__ == "__main__":
    main()
