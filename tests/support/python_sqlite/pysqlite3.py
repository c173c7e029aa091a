"""With this folder in PYTHONPATH the portal runs with the SQLite of Python, as where pysqlite3 has no wheel."""

raise ImportError("PYTHONPATH hides pysqlite3.")
