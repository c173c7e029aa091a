"""The settings in the browser: in force on the next page, checked at their field, and never lost."""

import io
import logging
import subprocess
import sys
import tomllib

import pytest

from settings import settings
from tests.support.cast import PASSWORD
from tests.support.files.samples import PNG
from tests.support.processes import ROOT, process_environment

PAGE = "/verwaltung/buero"


@pytest.fixture(autouse=True)
def no_environment(app):
    """The settings of a portal that the environment does not name."""
    settings.load({"TICKET_DATA_DIR": str(settings.data_dir)})


@pytest.fixture
def config(app):
    """Return what the config file says, by name."""
    path = settings.data_dir / "config.toml"
    return lambda: tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def save(visitor, page=None, **changes):
    values = (page or visitor.get(PAGE)).fields(PAGE).to_dict() | changes
    return visitor.post(PAGE, values)


def test_a_change_is_in_force_on_the_next_page(clara, anna, config):
    page = save(clara, office_name="Winter & Söhne", office_phone="0211 4711", office_colour="#7a1f5c")
    assert page.status == 303
    assert "Gespeichert." in clara.get(page.response.location).text
    shown = anna.get("/").text
    assert "Winter &amp; Söhne" in shown
    assert "0211 4711" in shown
    assert "7a1f5c" in shown  # the icon; the stylesheet has another name
    assert config() == {"office_name": "Winter & Söhne", "office_phone": "0211 4711", "office_colour": "#7a1f5c"}
    assert (settings.data_dir / "config.toml.gut").read_text() == (settings.data_dir / "config.toml").read_text()


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("office_street", "Lindenweg 4", "Lindenweg 4"),
        ("office_email", "hilfe@winter.example", "hilfe@winter.example"),
        ("base_url", "https://melden.winter.example", "https://melden.winter.example"),
        ("federal_state", "BY", "BY"),
        ("office_opens", "07:30", "07:30"),
        ("lead_time_workdays", "7", 7),
        ("approval_link_days", "14", 14),
        ("attachments_days", "100", 100),
        ("backup_time", "", ""),
        ("backup_dir", str(ROOT), str(ROOT)),
    ],
)
def test_each_kind_of_value(clara, config, name, value, stored):
    assert save(clara, **{name: value}).status == 303
    assert config() == {name: stored}
    assert getattr(settings, name) == stored
    assert clara.get(PAGE).fields(PAGE)[name] == value


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("office_name", "", "Bitte geben Sie den Namen Ihres Büros ein."),
        ("office_email", "winter", "Eine E-Mail-Adresse sieht so aus"),
        ("office_phone", "keine", "Eine Telefonnummer hat mindestens"),
        ("base_url", "melden.winter.example", "muss mit http:// oder https:// beginnen"),
        ("base_url", "https://winter.example/melden", "in einem Unterordner läuft das Portal nicht"),
        ("office_colour", "#ffee00", "Die Farbe muss auf hellem Grund gut lesbar sein"),
        ("federal_state", "XX", "Bitte wählen Sie eines aus der Liste."),
        ("office_opens", "acht", "muss eine Uhrzeit sein, zum Beispiel 08:00"),
        ("lead_time_workdays", "0", "muss größer als null"),
        ("lead_time_workdays", "bald", "Bitte geben Sie eine ganze Zahl ein."),
        ("lead_time_workdays", "", "muss eine ganze Zahl sein"),
        ("closed_ticket_days", "99999", "höchstens 36500"),
        ("smtp_host", "mail server", "Das ist kein Name eines Mailservers."),
        ("smtp_port", "viele", "Bitte geben Sie eine ganze Zahl ein."),
        ("backup_dir", "sicherung", "Diesen Ordner gibt es nicht."),
        ("backup_dir", str(ROOT / "fehlt"), "Diesen Ordner gibt es nicht."),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(clara, config, name, value, words):
    page = save(clara, **{name: value, "office_town": "Köln"})
    assert page.status == 422
    assert words in page.errors()[name]
    assert page.fields(PAGE)["office_town"] == "Köln"
    assert config() == {}


def test_mail_server_and_its_password(clara, config):
    parts = {"smtp_host": "mail.winter.example", "smtp_port": "465", "smtp_encryption": "smtps"}
    assert save(clara, **parts, smtp_name="post@winter", smtp_password="ge:h/eim").status == 303
    url = "smtps://post%40winter:ge%3Ah%2Feim@mail.winter.example:465"
    assert config() == {"smtp_url": url}
    page = clara.get(PAGE)
    assert "eim" not in page.text.replace("geheim", "")
    assert page.fields(PAGE)["smtp_host"] == "mail.winter.example"
    assert save(clara, page, office_town="Köln").status == 303
    assert config()["smtp_url"] == url
    # The former password is not sent to another server.
    page = save(clara, smtp_host="mail.anderswo.example")
    assert "Kennwort noch einmal" in page.errors()["smtp_password"]
    assert config()["smtp_url"] == url


def test_saving_with_a_test_mail(clara):
    page = save(clara, test="ja", office_email="hilfe@winter.example")
    assert "/verwaltung/postausgang/" in page.response.location
    assert "hilfe@winter.example" in clara.get(page.response.location).text


def test_logo(clara, anna):
    assert save(clara, logo=(io.BytesIO(PNG), "Unser Logo.PNG")).status == 303
    assert settings.office_logo == "logo.png"
    assert "/static/logo." in anna.get("/").text
    assert save(clara, logo=(io.BytesIO(b"kein Bild"), "logo.png")).errors()["logo"].startswith("Das Logo muss")
    assert save(clara, no_logo="y").status == 303
    assert "/static/logo." not in anna.get("/").text


@pytest.mark.parametrize(("colour", "words"), [("#7a1f5c", "Gut lesbar"), ("#ffee00", "Zu hell"), ("rot", "")])
def test_contrast_is_said_before_saving(clara, colour, words):
    token = clara.get(PAGE).fields(PAGE)["csrf_token"]
    page = clara.post(f"{PAGE}/farbe", {"csrf_token": token, "office_colour": colour})
    assert page.status == 200
    assert words in page.text


def test_two_people_at_once(clara, config):
    first, second = clara.get(PAGE), clara.get(PAGE)
    assert save(clara, first, office_town="Köln").status == 303
    page = save(clara, second, office_town="Bonn")
    assert (page.status, config()) == (422, {"office_town": "Köln"})
    assert "Inzwischen hat jemand anderes" in page.text
    assert save(clara, page, office_town="Bonn").status == 303
    assert config() == {"office_town": "Bonn"}


def test_comments_of_the_file_stay_and_the_former_one_is_kept(clara):
    path = settings.data_dir / "config.toml"
    text = "# Unser Büro\noffice_town = 'Köln' # am Rhein\n# office_street = \"\"\n"
    path.write_text(text, "utf-8")
    assert save(clara, office_town="Bonn", office_street="Weg 1").status == 303
    assert path.read_text("utf-8") == '# Unser Büro\noffice_town = "Bonn" # am Rhein\noffice_street = "Weg 1"\n'
    assert (settings.data_dir / "config.toml.vorher").read_text("utf-8") == text


def test_environment_wins_and_cannot_be_changed_here(clara, config):
    settings.load({"TICKET_DATA_DIR": str(settings.data_dir), "TICKET_OFFICE_TOWN": "Köln"})
    page = clara.get(PAGE)
    assert "durch TICKET_OFFICE_TOWN gesetzt" in page.text
    assert page.element("office_town").get("disabled") is not None
    assert save(clara, office_town="Bonn", office_street="Weg 1").status == 303
    assert (settings.office_town, config()) == ("Köln", {"office_street": "Weg 1"})


def test_a_broken_file_is_mended_by_saving(clara, config):
    assert save(clara, office_town="Köln").status == 303
    path = settings.data_dir / "config.toml"
    path.write_text("office_town = = 1\n", "utf-8")
    settings.load({"TICKET_DATA_DIR": str(settings.data_dir)})
    assert settings.office_town == "Köln"
    page = clara.get("/verwaltung/kunden")
    assert "config.toml lässt sich nicht lesen" in page.text
    assert "Es gelten die letzten brauchbaren Werte." in page.text
    assert save(clara, office_street="Weg 1").status == 303
    assert config() == {"office_town": "Köln", "office_street": "Weg 1"}
    assert "brauchbaren Werte" not in clara.get("/verwaltung/kunden").text


def test_the_log_names_what_was_changed_but_no_secret(clara, caplog):
    with caplog.at_level(logging.INFO):
        save(clara, office_town="Köln", smtp_host="mail.winter.example", smtp_name="post", smtp_password=PASSWORD)
    (line,) = [text for text in map(logging.LogRecord.getMessage, caplog.records) if "Einstellungen geändert" in text]
    assert "office_town, smtp_url" in line
    assert PASSWORD not in line


KILLED = """
import os, sys
import app
from pathlib import Path
from services import disk
from services.operations import settings_file
from settings import settings

settings.load(os.environ)
step = int(sys.argv[1])

def killed_at(name, call):
    def counted(*args, **options):
        global step
        step -= 1
        if step < 0:
            os._exit(9)
        return call(*args, **options)
    return counted

os.fsync = killed_at("fsync", os.fsync)
Path.replace = killed_at("replace", Path.replace)
settings_file.save({"office_town": "Bonn"}, settings_file.fingerprint())
"""


@pytest.mark.parametrize("step", range(12))
def test_a_kill_in_the_middle_leaves_the_old_or_the_new_file(tmp_path, step):
    path = tmp_path / "config.toml"
    path.write_text('office_town = "Köln"\n', "utf-8")
    command = [sys.executable, "-c", KILLED, str(step)]
    subprocess.run(command, cwd=ROOT, env=process_environment(TICKET_DATA_DIR=str(tmp_path)), check=False)
    assert path.read_text("utf-8") in ('office_town = "Köln"\n', 'office_town = "Bonn"\n')
