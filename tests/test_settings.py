"""Where settings come from, which goes first, and what is said about one that cannot be used."""

import logging
import re
from dataclasses import fields
from pathlib import Path

import pytest

from settings import FEDERAL_STATES, Settings, StartError
from tests.support.processes import ROOT


@pytest.fixture
def load(tmp_path):
    """Load settings from the text of a config file and from the environment."""

    def load(config=None, **environment):
        if config is not None:
            (tmp_path / "config.toml").write_text(config, encoding="utf-8")
        settings = Settings()
        settings.load({"TICKET_DATA_DIR": str(tmp_path)} | environment)
        return settings

    return load


def refusal(load, config=None, **environment):
    """Return the one sentence about settings that must be refused."""
    with pytest.raises(StartError) as caught:
        load(config, **environment)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_defaults(load):
    settings = load()
    assert (settings.host, settings.port, settings.federal_state, settings.limits) == ("127.0.0.1", 8400, "NW", "on")
    assert settings.https is False


def test_default_data_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    settings.load({})
    assert settings.data_dir == ROOT / "instance"


def test_everything_lies_in_the_data_folder(load, tmp_path):
    settings = load()
    assert settings.data_dir == tmp_path
    assert settings.database_path == tmp_path / "tickets.db"
    assert settings.files_dir == tmp_path / "files"
    assert settings.backups_dir == tmp_path / "backups"
    assert settings.secret_key_path == tmp_path / "secret.key"


def test_relative_data_folder_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    settings.load({"TICKET_DATA_DIR": "daten"})
    assert settings.data_dir == tmp_path / "daten"


def test_config_file_over_default(load):
    settings = load('port = 8500\noffice_name = "Müller & Söhne"\nworker_tick_seconds = 2\nlimits = "off"')
    assert (settings.port, settings.office_name, settings.limits) == (8500, "Müller & Söhne", "off")
    assert settings.worker_tick_seconds == 2.0


def test_environment_over_config_file(load):
    settings = load('port = 8500\nfederal_state = "BY"', TICKET_PORT="8600")
    assert (settings.port, settings.federal_state) == (8600, "BY")


def test_loading_again_forgets_what_was_loaded_before(load):
    settings = load(TICKET_PORT="8600")
    settings.load({"TICKET_DATA_DIR": str(settings.data_dir)})
    assert settings.port == 8400


def test_config_file_with_byte_order_mark(load, tmp_path):
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfport = 8500\r\n")
    assert load().port == 8500


@pytest.mark.parametrize("state", FEDERAL_STATES)
def test_federal_states(load, state):
    assert load(TICKET_FEDERAL_STATE=state).federal_state == state


def test_sixteen_federal_states():
    assert len(FEDERAL_STATES) == 16


@pytest.mark.parametrize(("url", "https"), [("https://melden.example.org", True), ("http://10.0.0.5:8400", False)])
def test_https_by_base_url(load, url, https):
    assert load(TICKET_BASE_URL=url).https is https


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("port", "abc", "braucht eine "),
        ("port", "", "braucht eine "),
        ("port", "0", "zwischen 1 und 65535"),
        ("port", "65536", "zwischen 1 und 65535"),
        ("port", "-1", "zwischen 1 und 65535"),
        ("port", "84.5", "braucht eine "),
        ("threads", "0", "größer als null"),
        ("threads", "viele", "braucht eine "),
        ("staged_hours", "-1", "größer als null"),
        ("staged_per_address", "0", "größer als null"),
        ("staged_total_mib", "0", "größer als null"),
        ("worker_tick_seconds", "0", "größer als null"),
        ("worker_tick_seconds", "nan", "größer als null"),
        ("worker_tick_seconds", "inf", "worker_tick_seconds"),
        ("federal_state", "nw", "muss eines der Kürzel BB, BE,"),
        ("federal_state", "", "muss eines der Kürzel BB, BE,"),
        ("limits", "aus", "muss „on“ oder „off“ sein"),
        ("base_url", "melden.example.org", "muss mit http:// oder https:// beginnen"),
        ("office_email", "keine", "muss eine E-Mail-Adresse sein"),
    ],
)
def test_value_that_cannot_be_used(load, name, value, reason):
    sentence = refusal(load, **{f"TICKET_{name.upper()}": value})
    assert f"„{name}“ (TICKET_{name.upper()})" in sentence
    assert reason in sentence
    assert f"„{value}“" in sentence


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('port = "abc"', "„port“ (config.toml) braucht eine "),
        ("port = 70000", "„port“ (config.toml) muss zwischen 1 und 65535 liegen"),
        ("port = 84.5", "„port“ (config.toml) braucht eine "),
        ("port = true", "„port“ (config.toml) braucht eine "),
        ("port = [8400]", "„port“ (config.toml) braucht eine "),
        ("office_name = 5", "„office_name“ (config.toml) braucht"),
        ('office_name = ["IT"]', "„office_name“ (config.toml) braucht"),
        ("limits = true", "„limits“ (config.toml) "),
        ("prot = 8500", "Die Einstellung „prot“ (config.toml) gibt es nicht"),
        ("PORT = 8500", "Die Einstellung „PORT“ (config.toml) gibt es nicht"),
        ('data_dir = "/srv"', "Die Einstellung „data_dir“ (config.toml) gibt es nicht"),
        ("[office]\nname = 1", "Die Einstellung „office“ (config.toml) gibt es nicht"),
        ("port = = 5", "config.toml lässt sich nicht lesen"),
        ("port = 1\nport = 2", "config.toml lässt sich nicht lesen"),
    ],
)
def test_config_file_that_cannot_be_used(load, line, reason):
    assert reason in refusal(load, line)


def test_config_file_that_is_no_text(load, tmp_path):
    (tmp_path / "config.toml").write_bytes(b'office_name = "M\xfcller"')
    assert "config.toml lässt sich nicht lesen" in refusal(load)


def test_config_file_that_is_a_folder(load, tmp_path):
    (tmp_path / "config.toml").mkdir()
    assert "config.toml lässt sich nicht lesen" in refusal(load)


def test_unknown_name_in_the_environment_is_only_logged(load, caplog):
    with caplog.at_level(logging.WARNING):
        assert load(TICKET_PROT="8500").port == 8400
    sentence = "Die Umgebungsvariable TICKET_PROT gibt es nicht. Bitte prüfen Sie den Namen."
    assert [record.getMessage() for record in caplog.records] == [sentence]


def test_names_of_others_are_not_looked_at(load, caplog):
    with caplog.at_level(logging.WARNING):
        load(PORT="1", TICKETS="2", PATH="3")
    assert caplog.records == []


def test_handbook_lists_every_setting_with_its_default():
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|", Path(ROOT, "docs", "handbuch.md").read_text("utf-8"), re.MULTILINE)
    listed = {}
    for names, values in rows:
        names = re.findall(r"`(\w+)`", names)
        if all(name == name.lower() for name in names):
            listed |= zip(names, re.sub(r"[`]", "", values).split(", "), strict=True)
    expected = {field.name: str(field.default) or "leer" for field in fields(Settings) if field.name != "data_dir"}
    assert listed == expected


@pytest.mark.parametrize(
    "url", ["mail.firma.de", "http://mail.firma.de", "smtp://", "smtp://mail..firma.de", "smtp://m:x"]
)
def test_mail_server_that_cannot_be_one(load, url):
    assert "smtp://name:kennwort@mail.firma.de:587" in refusal(load, TICKET_SMTP_URL=url)


@pytest.mark.parametrize("config", ["webhook_secret = 12345678901234567", 'smtp_url = ["smtp://name:geheim@mail"]'])
def test_what_may_be_secret_is_not_said_again(load, config):
    sentence = refusal(load, config)
    assert "12345678901234567" not in sentence
    assert "geheim" not in sentence
