"""Kill `start.py einrichten` at random moments; the next start must mend it: python -m tests.stress.setup_kills [N]"""

import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def main():
    number, mended = int(sys.argv[1]) if len(sys.argv) > 1 else 200, 0
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder)
        shutil.copy(ROOT / "start.py", checkout)
        (checkout / "app.py").write_text("print('runs')\n")
        for name in ("requirements.txt", "requirements-test.txt"):
            (checkout / name).write_text("# nothing\n")
        command = [sys.executable, checkout / "start.py"]
        for attempt in range(number):
            shutil.rmtree(checkout / ".venv", ignore_errors=True)
            for _ in range(random.randint(1, 3)):
                with subprocess.Popen([*command, "einrichten"], stdout=subprocess.DEVNULL) as process:
                    try:
                        process.wait(random.uniform(0, 3))
                    except subprocess.TimeoutExpired:
                        process.kill()
            said = subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout.splitlines()
            mended += said[-1:] == ["runs"]
            print(f"{attempt + 1} of {number}, mended {mended}", end="\r", flush=True)
    print(f"\n{mended} of {number} set-ups that were killed were mended by the next start.")
    return mended != number


if __name__ == "__main__":
    sys.exit(main())
