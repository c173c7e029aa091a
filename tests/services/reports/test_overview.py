"""The overview of today: its days are those of the office's calendar, and its warnings begin at exact limits."""

import shutil
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from database import database
from services.reports.overview import Overview
from settings import settings
from tests.support.cast import NOW


def overview(now=NOW):
    with database.connection_context():
        return Overview(now)


@pytest.mark.parametrize(
    ("moment", "since", "until"),
    [
        ("2026-11-23T22:59:59", date(2026, 11, 20), date(2026, 12, 7)),
        ("2026-11-23T23:00:00", date(2026, 11, 23), date(2026, 12, 8)),
        ("2026-11-23T23:59:59", date(2026, 11, 23), date(2026, 12, 8)),
    ],
)
def test_around_midnight(app, moment, since, until):
    """At 23:00 UTC the next day begins in the office."""
    shown = overview(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert (shown.unmatched_since, shown.entries_until) == (since, until)


@pytest.mark.parametrize(
    ("free", "is_low", "is_below_reserve"),
    [(2000, False, False), (1999, True, False), (1000, True, False), (999, True, True)],
)
def test_free_disk_space(app, monkeypatch, free, is_low, is_below_reserve):
    settings.disk_reserve_mib = 1000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free * 1024**2))
    shown = overview()
    assert (shown.disk_is_low, shown.disk_is_below_reserve) == (is_low, is_below_reserve)
