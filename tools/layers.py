"""Check the imports against the layers in pyproject.toml: python -m tools.layers

import-linter knows packages only, and this project has modules at its root. So it is shown a copy of the product in
which each of these modules is a package of the same name.
"""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "pyproject.toml"


def check() -> subprocess.CompletedProcess[str]:
    """Run import-linter over the product and return the finished process."""
    linter = tomllib.loads(CONFIG.read_text("utf-8"))["tool"]["importlinter"]
    with tempfile.TemporaryDirectory() as folder:
        for name in linter["root_packages"]:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                Path(folder, name).mkdir()
                shutil.copy(source.with_suffix(".py"), Path(folder, name, "__init__.py"))
        lint = (
            "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(cache_dir=None, no_cache=True))"
        )
        shutil.copy(CONFIG, folder)
        return subprocess.run([sys.executable, "-c", lint], cwd=folder, capture_output=True, text=True)


if __name__ == "__main__":
    result = check()
    print(result.stdout, result.stderr, sep="")
    sys.exit(result.returncode)
