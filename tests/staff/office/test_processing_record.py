"""The record of processing activities (Art. 30 GDPR): correct, filled from the settings, without secrets."""

import pytest

from database import database
from models import Staff
from settings import settings
from tests.support.cast import NOW

PAGE = "/verwaltung/datenschutz/verzeichnis"


def words_of(clara):
    page = clara.get(PAGE)
    assert page.status == 200
    return page.text_of("main")


def test_it_names_the_office_and_the_retention_periods(clara):
    settings.office_name = "Muster IT"
    settings.closed_ticket_days, settings.attachments_days, settings.new_employee_days = 801, 802, 803
    settings.mail_days, settings.unmatched_days, settings.staged_hours = 804, 85, 86
    settings.log_days, settings.backups_kept = 87, 8
    words = words_of(clara)
    for said in (
        "Muster IT",
        "support@muster-it.example",
        "0211 55500",
        "801 Tage",
        "802 Tage",
        "803 Tage",
        "804 Tage",
    ):
        assert said in words
    for said in ("85 Tage nach dem Eingang", "86 Stunden", "87 Tage", "die letzten 8 bleiben", "23.11.2026"):
        assert said in words


@pytest.mark.parametrize(
    ("days", "said"), [(1, "1 Tag"), (180, "180 Tage"), (364, "364 Tage"), (365, "1 Jahr"), (2555, "7 Jahre")]
)
def test_whole_years_are_written_as_years(anna, clara, days, said):
    settings.closed_ticket_days = days
    for words in (words_of(clara), anna.get("/hilfe").text_of("main"), clara.get("/verwaltung/datenschutz").text):
        assert f"{said} nach dem Abschluss" in words


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        ({}, "kein Mailserver eingerichtet", "verschlüsselt zum Mailserver"),
        ({"smtp_url": "smtp://buero:geheim-4711@mail.muster.example:587"}, "Mailserver mail.muster.example", "geheim"),
        ({}, "kein weiteres System", "weiteres System unter"),
        ({"webhook_url": "https://crm.example/pfad?key=geheim"}, "weiteres System unter crm.example", "geheim"),
        ({}, "https) ist nicht eingerichtet", "verschlüsselt (https)."),
        ({"base_url": "https://melden.example"}, "verschlüsselt (https).", "nicht eingerichtet."),
        ({}, "prüft das Portal am Inhalt.", "Virenscanner"),
        ({"scanner": "clamdscan --fdpass --no-summary"}, "am Inhalt, dazu ein Virenscanner.", "clamdscan"),
        ({"backup_time": ""}, "Sicherungen macht das Büro von Hand", "täglich"),
        ({"backup_time": "04:30"}, "Täglich um 04:30 Uhr entsteht eine Sicherung", "von Hand"),
        ({"limits": "off"}, "Die Mengengrenzen sind abgeschaltet", "Die Zahl der Versuche"),
    ],
)
def test_it_describes_the_actual_settings(clara, changes, said, unsaid):
    for name, value in changes.items():
        setattr(settings, name, value)
    words = words_of(clara)
    assert said in words
    assert unsaid not in words


def test_it_counts_the_second_factors(clara):
    assert "mit zweitem Faktor: 0 von 1." in words_of(clara)
    with database.connection_context():
        Staff.update(totp_enabled_at=NOW, totp_salt="x").execute()
        Staff.create(login="gone", name="Gegangen", password_hash="x", created_at=NOW, locked_at=NOW)
    assert "mit zweitem Faktor: 1 von 1." in words_of(clara)
