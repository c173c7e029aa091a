"""Run a background task as its thread does."""

from types import SimpleNamespace

from services.background.worker import run_periodically


def run_ticks(tick, number):
    """Run a task for some ticks."""
    waits = iter([False] * number + [True])
    run_periodically(tick, SimpleNamespace(wait=lambda seconds: next(waits)))
