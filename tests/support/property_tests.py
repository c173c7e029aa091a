"""Settings of hypothesis for these tests: always the same examples, few of them, no files left behind."""

import tempfile

from hypothesis import configuration, settings

# Its Unicode tables would otherwise be stored in the project's folder.
configuration.set_hypothesis_home_dir(f"{tempfile.gettempdir()}/hypothesis")

deterministic = settings(derandomize=True, database=None, deadline=None, max_examples=100)
