"""Change the rules in one small way at a time and see whether a test notices: python -m tools.mutate [MODULE …]

Needs mutmut, which the tests do not, so it is installed by hand (mutmut 3.8.1), and Linux or
macOS. mutmut makes the mutants and runs the tests of each module in a copy of the checkout. `--sample N` tries N
mutants of each module, always the same ones. Prints every mutant that no test noticed, and a score per module. Takes
from minutes to hours. Which survivors do not matter is in docs/decisions/tests.md.
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
    "i18n/folding.py": ["tests/staff/tickets/test_search.py", "tests/staff/test_order_of_names.py"],
    "services/phone_numbers.py": ["tests/staff/test_phone_links.py", "tests/staff/tickets/test_search.py"],
    "services/search.py": ["tests/staff/tickets", "tests/services/privacy"],
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

# Exit codes of mutants whose tests passed, or that no test runs at all.
SURVIVED = {0, 5, 33}

CONFIG = """
[tool.mutmut]
source_paths = ["."]
also_copy = ["."]
only_mutate = {modules}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider"]
# What a log line says is for people; the rules do not depend on it.
do_not_mutate_patterns = ["log\\\\.", "raise UserError"]
"""


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="paths from RULES; all without any")
    parser.add_argument("--sample", type=int, metavar="N", help="try N mutants of each module instead of all")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    scores = {}
    for module in options.modules or RULES:
        tried, survivors = try_module(module, options.sample, options.processes)
        scores[module] = (tried - len(survivors), tried)
        print(*survivors.values(), f"{module}: {tried - len(survivors)} of {tried} noticed", sep="\n", flush=True)
    noticed, tried = (sum(column) for column in zip(*scores.values(), strict=True))
    print(f"All: {noticed} of {tried} noticed ({noticed / max(tried, 1):.0%})")


def try_module(module, sample, processes):
    """Return how many mutants were tried, and a diff of each that no test noticed, by its name."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), folder], check=True)
        with Path(folder, "pyproject.toml").open("a", encoding="utf-8") as config:
            config.write(CONFIG.format(modules=json.dumps([module]), tests=json.dumps(RULES[module])))

        def mutmut(*arguments):
            command = [sys.executable, "-m", "mutmut", *arguments]
            return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout

        run = ("run", "--max-children", str(processes))
        names = []
        if sample:
            mutmut(*run, "none")  # matches no name, so this only makes the mutants
            names = sorted(outcomes(folder, module))
            names = random.Random(module).sample(names, min(sample, len(names)))
        mutmut(*run, *names)
        tried = {name: code for name, code in outcomes(folder, module).items() if code is not None}
        survivors = [name for name, code in tried.items() if code in SURVIVED]
        return len(tried), {name: mutmut("show", name) for name in survivors}


def outcomes(folder, module):
    """Return the exit code of the tests for every mutant in a module, None for one that was not tried."""
    return json.loads(Path(folder, "mutants", f"{module}.meta").read_text("utf-8"))["exit_code_by_key"]


if __name__ == "__main__":
    main()
