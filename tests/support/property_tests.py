"""How hypothesis tries things out in these tests: always the same examples, not too many, and nothing left behind."""

import tempfile

from hypothesis import configuration, settings

# It keeps tables of Unicode for the next run, which would else lie in the project's folder.
configuration.set_hypothesis_home_dir(f"{tempfile.gettempdir()}/hypothesis")

deterministic = settings(derandomize=True, database=None, deadline=None, max_examples=100)
