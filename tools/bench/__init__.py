"""The benchmark: `python -m tools.bench` measures the portal beside a bare Flask app. Needs Linux; see __main__.py."""
