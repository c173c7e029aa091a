"""Run a background task as its thread does."""

from types import SimpleNamespace

from services.background.periodic import PeriodicTask


def run_ticks(tick, number):
    """Run a task for some ticks."""
    waits = iter([False] * number + [True])
    PeriodicTask("task", tick, SimpleNamespace(wait=lambda seconds: next(waits))).run()
