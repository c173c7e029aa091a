"""Where settings come from, which source wins, which values are refused and with what message."""

import logging
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from settings import FEDERAL_STATES, UNLIMITED, Settings, StartError
from tests.support.processes import ROOT


@pytest.fixture
def load(tmp_path):
    """Load settings from the text of a config file and from the environment."""

    def load(config=None, **environment):
        if config is not None:
            (tmp_path / "config.toml").write_text(config, encoding="utf-8")
        settings = Settings()
        settings.load({"TICKET_DATA_DIR": str(tmp_path)} | environment)
        if settings.config_fault:
            # The portal starts without the file and says so; here it is an error.
            raise StartError(settings.config_fault)
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


def test_what_people_read_is_cleaned(load):
    texts = {"office_name": "\ufeffMu\u0308ller\u00a0IT\u200b", "office_phone": "\u202a0211 55500\u202c"}
    texts |= {"office_email": " hilfe@mu\u00adster.example", "mail_from": "portal@muster.example\u2028"}
    settings = load("".join(f'{name} = "{text}"\n' for name, text in texts.items()))
    assert (settings.office_name, settings.office_phone) == ("Müller IT", "0211 55500")
    assert (settings.office_email, settings.mail_from) == ("hilfe@muster.example", "portal@muster.example")


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
    ("typed", "url"),
    [
        ("https://melden.example.org", "https://melden.example.org"),
        ("  https://melden.example.org\t", "https://melden.example.org"),
        ("\ufeffhttps://melden.\u200bexample.org\xa0", "https://melden.example.org"),
        ("https://melden.example.org/", "https://melden.example.org"),
        ("https://melden.example.org.", "https://melden.example.org"),
        ("HTTPS://Melden.Example.org", "https://melden.example.org"),
        ("https://melden.example.org:443/", "https://melden.example.org"),
        ("http://melden.example.org:80", "http://melden.example.org"),
        ("https://melden.example.org:8443", "https://melden.example.org:8443"),
        ("http://server_1:8400", "http://server_1:8400"),
        ("http://[FD00::1]:8400/", "http://[fd00::1]:8400"),
        ("http://[fd00::1]", "http://[fd00::1]"),
        ("https://melden.straße.de", "https://melden.xn--strae-oqa.de"),
        ("https://melden.mu\u0308ller.de", "https://melden.xn--mller-kva.de"),
    ],
)
def test_base_url_as_browsers_send_it(load, typed, url):
    settings = load(TICKET_BASE_URL=typed)
    assert (settings.base_url, settings.url) == (url, url)
    assert load(settings.as_config(with_secrets=True)).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "melden.example.org",
        "ftp://melden.example.org",
        "https:/melden.example.org",
        "https://",
        "https:///",
        "https://:8443",
        "https://-",
        "https://www.example.org/melden",
        "https://melden.example.org/?art=garantie",
        "https://melden.example.org#oben",
        "https://melden .example.org",
        "https://melden.example.org https://example.org",
        "https://melden..example.org",
        "https://melden–example.org",
        f"https://{'m' * 64}.example.org",
        "https://clara@melden.example.org",
        "https://melden.example.org:0",
        "https://melden.example.org:65536",
        "https://melden.example.org:84a0",
        "https://[fd00::1",
    ],
)
def test_base_url_that_is_more_or_less_than_a_host(load, url):
    sentence = refusal(load, TICKET_BASE_URL=url)
    assert "„base_url“ (TICKET_BASE_URL) muss mit http:// oder https:// beginnen und darf danach nur" in sentence
    assert f"nicht „{url}“." in sentence


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("port", " 8500\t", 8500),
        ("worker_tick_seconds", "2.0\ufeff", 2.0),
        ("office_email", " it@firma.de\u200b", "it@firma.de"),
        ("backup_time", "03:00 ", "03:00"),
        ("office_name", "Müller\xa0&\u2028Söhne ", "Müller & Söhne"),
        ("scanner", " ", ""),
    ],
)
def test_blanks_around_a_value_and_unseen_characters_do_not_matter(load, name, typed, value):
    assert getattr(load(**{f"TICKET_{name.upper()}": typed}), name) == value


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8400"),
        ("0.0.0.0", "http://127.0.0.1:8400"),
        ("::", "http://[::1]:8400"),
        ("*", "http://127.0.0.1:8400"),
        ("fd00::1", "http://[fd00::1]:8400"),
        ("[::1]", "http://[::1]:8400"),
        ("localhost", "http://localhost:8400"),
    ],
)
def test_url_to_open_on_this_machine(load, host, url):
    assert load(TICKET_HOST=host).url == url


@pytest.mark.parametrize(
    ("host", "proxy", "is_open"),
    [
        ("127.0.0.1", "", False),
        ("127.0.0.2", "", False),
        ("[::1]", "", False),
        ("localhost", "", False),
        ("0.0.0.0", "", True),
        ("::", "", True),
        ("*", "", True),
        ("192.168.0.5", "", True),
        ("melden.muster.example", "", True),
        ("0.0.0.0", "172.18.0.2", False),
    ],
)
def test_portal_open_without_a_web_server(load, host, proxy, is_open):
    warning = load(TICKET_HOST=host, TICKET_TRUSTED_PROXY=proxy).open_host_warning
    assert ("ohne Webserver" in warning) == is_open


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("port", "abc", "braucht eine "),
        ("port", "", "braucht eine "),
        ("port", "84.5", "braucht eine "),
        ("threads", "viele", "braucht eine "),
        ("worker_tick_seconds", "nan", "größer als null"),
        ("worker_tick_seconds", "inf", "worker_tick_seconds"),
        ("federal_state", "nw", "muss eines der Kürzel BB, BE,"),
        ("federal_state", "", "muss eines der Kürzel BB, BE,"),
        ("limits", "aus", "muss „on“ oder „off“ sein"),
        ("office_email", "keine", "muss eine E-Mail-Adresse sein"),
    ],
)
def test_value_that_cannot_be_used(load, name, value, reason):
    sentence = refusal(load, **{f"TICKET_{name.upper()}": value})
    assert f"„{name}“ (TICKET_{name.upper()})" in sentence
    assert reason in sentence
    assert f"„{value}“" in sentence


def test_a_setting_of_a_former_release_is_named_and_ignored(load, caplog):
    load("staged_per_address = 60")
    assert "„staged_per_address“ (config.toml) braucht das Portal nicht mehr" in caplog.text


LIMITS = [
    "staged_total_mib",
    "replies_per_day",
    "submissions_per_hour",
    "uploads_per_hour",
    "wrong_pins_per_day",
    "wrong_pins_total_per_day",
    "unmatched_most",
    "unmatched_total_mib",
]
MAXIMA = {
    "threads": 256,
    "worker_tick_seconds": 86400,
    "mail_give_up_days": 30,
    "approval_link_days": 365,
    "lead_time_workdays": 60,
    "ticket_link_days": 365,
    "staged_hours": 8760,
    "staff_idle_minutes": 10080,
    "staff_session_hours": 168,
    "receipt_hours": 8760,
    "former_pin_days": 3650,
    "unmatched_days": 365,
    "log_days": 3650,
    "backups_kept": 1000,
    "attachments_days": 36500,
    "new_employee_days": 36500,
    "closed_ticket_days": 36500,
    "mail_days": 36500,
}


def test_every_number_is_tested_at_its_edges():
    numbers = {field.name for field in fields(Settings) if field.type in (int, float)}
    assert numbers == {*MAXIMA, *LIMITS, "max_megapixels", "port", "disk_reserve_mib", "undo_seconds"}


@pytest.mark.parametrize("name", [*MAXIMA, *LIMITS, "max_megapixels", "port"])
def test_lowest_number(load, name):
    assert getattr(load(f"{name} = 1"), name) == 1
    for value in ("0", "-1"):
        sentence = refusal(load, f"{name} = {value}")
        assert ("zwischen 1 und 65535" if name == "port" else "größer als null") in sentence


@pytest.mark.parametrize(("name", "highest"), [*MAXIMA.items(), ("port", 65535)])
def test_highest_number(load, name, highest):
    assert getattr(load(f"{name} = {highest}"), name) == highest
    assert str(highest) in refusal(load, f"{name} = {highest + 1}")


def test_seconds_to_undo(load):
    for seconds in (0, 600):
        assert load(f"undo_seconds = {seconds}").undo_seconds == seconds
    for seconds in (-1, 601):
        assert "zwischen 0 und 600" in refusal(load, f"undo_seconds = {seconds}")


@pytest.mark.parametrize("name", [*LIMITS, "max_megapixels", "disk_reserve_mib"])
def test_number_without_a_maximum(load, name):
    assert getattr(load(f"{name} = 1_000_000_000"), name) == 10**9


def test_host_is_not_empty(load):
    assert "darf nicht leer sein" in refusal(load, 'host = " "')


def test_disk_reserve_may_be_zero(load):
    assert load("disk_reserve_mib = 0").disk_reserve_mib == 0
    assert "darf nicht kleiner als null sein" in refusal(load, "disk_reserve_mib = -1")


@pytest.mark.parametrize("name", ["backup_time", "retention_time", "summary_time"])
def test_times(load, name):
    for value in ("00:00", "09:59", "19:00", "23:59"):
        assert getattr(load(f'{name} = "{value}"'), name) == value
    for value in ("24:00", "12:60", "7:00", "07:000", "0700", "07: 00"):
        assert "muss eine Uhrzeit sein" in refusal(load, f'{name} = "{value}"')


def test_webhook_secret_has_sixteen_characters(load):
    assert load(f'webhook_secret = "{"x" * 16}"').webhook_secret == "x" * 16
    assert "mindestens 16 Zeichen" in refusal(load, f'webhook_secret = "{"x" * 15}"')


OPTIONAL = [
    "backup_time",
    "base_url",
    "mail_from",
    "office_logo",
    "office_name",
    "office_phone",
    "scanner",
    "smtp_url",
    "summary_time",
    "trusted_proxy",
    "webhook_secret",
    "webhook_url",
]


@pytest.mark.parametrize("name", OPTIONAL)
def test_text_may_be_empty(load, name):
    assert getattr(load(f'{name} = ""'), name) == ""


@pytest.mark.parametrize("name", ["federal_state", "limits", "mail_attachments", "office_email", "retention_time"])
def test_text_may_not_be_empty(load, name):
    assert f"„{name}“" in refusal(load, f'{name} = ""')


@pytest.mark.parametrize(
    ("name", "valid", "invalid"),
    [
        (
            "trusted_proxy",
            ["127.0.0.1", "::1", "127.0.0.1, ::1,10.0.0.0/24", "2001:db8::/48"],
            ["127.0.0.256", "localhost", "127.0.0.1,", "127.0.0.1 ::1", "10.0.0.1/24", "0.0.0.0/0", "::1, ::/0"],
        ),
        (
            "smtp_url",
            ["smtp://mail.firma.de:65535", "smtps://mail.müller.de:1", "smtp://[::1]"],
            ["smtp://m:0", "smtp://m:65536", "smtp://mail firma.de"],
        ),
        ("mail_from", ["it@firma.de"], ["it@", "@firma.de", "it@firma.de, x@y.de", "IT <it@firma.de>"]),
        ("office_logo", ["logo.svg", "logo.png", "logo.webp", "logo.jpg"], ["logo.gif", "logo. svg", "../logo.svg"]),
        ("mail_attachments", ["on", "off"], ["true", "ON"]),
        ("limits", ["on", "off"], ["true", "OFF"]),
        ("scanner", ["clamdscan", "scan 'a b'"], ["scan 'a"]),
    ],
)
def test_texts(load, name, valid, invalid):
    for value in valid:
        assert getattr(load(f'{name} = "{value}"'), name) == value
    for value in invalid:
        assert f"„{name}“" in refusal(load, f'{name} = "{value}"')


@pytest.mark.parametrize(
    ("url", "is_valid"),
    [
        ("https://system.firma.de/meldungen?key=x", True),
        ("http://10.0.0.5:1", True),
        ("http://10.0.0.5:0", False),
        ("ftp://system.firma.de", False),
        ("https://name:kennwort@system.firma.de", False),
        ("https://system.firma.de/zwei worte", False),
        ("https://system.firma.de/ü", False),
    ],
)
def test_webhook_url(load, url, is_valid):
    config = f'webhook_url = "{url}"\nwebhook_secret = "{"x" * 16}"'
    if is_valid:
        assert load(config).webhook_url == url
    else:
        assert "„webhook_url“" in refusal(load, config)


def test_webhook_needs_a_secret(load):
    assert "gehört „webhook_secret“" in refusal(load, 'webhook_url = "https://system.firma.de"')


def test_limits_off_raises_every_limit(load):
    settings, limits = load('limits = "off"\nunmatched_most = 50'), [*LIMITS, "max_pending", "free_sign_in_failures"]
    assert {name: getattr(settings, name) for name in limits} == dict.fromkeys(limits, UNLIMITED)
    unchanged = {field.name for field in fields(Settings)} - {*LIMITS, "limits", "data_dir"}
    assert all(getattr(settings, name) == getattr(Settings, name) for name in unchanged)
    settings.load({"TICKET_DATA_DIR": str(settings.data_dir), "TICKET_LIMITS": "on"})
    assert (settings.unmatched_most, settings.max_pending, settings.replies_per_day) == (50, 500, 20)


def test_config_text_has_what_was_configured(load, tmp_path):
    text = 'office_name = "Müller & \\"Söhne\\""\nworker_tick_seconds = 2.0\nlimits = "off"\nunmatched_most = 50\n'
    settings = load(text, TICKET_REPLIES_PER_DAY="20")
    assert settings.as_config(with_secrets=True) == text
    assert load(settings.as_config(with_secrets=True)) == settings


def test_config_text_has_secrets_only_on_request(load):
    secret = {"smtp_url": "smtp://name:geheim@mail.firma.de", "webhook_url": "https://system.firma.de/geheim"}
    secret["webhook_secret"] = "geheim" * 3
    lines = [f'{name} = "{value}"\n' for name, value in secret.items()]
    settings = load("".join([*lines, "port = 8500\n"]))
    assert sorted(settings.as_config(with_secrets=True).splitlines(keepends=True)) == sorted([*lines, "port = 8500\n"])
    assert settings.as_config(with_secrets=False) == "port = 8500\n"


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


def test_example_lists_every_setting_with_its_default(load):
    text = Path(ROOT, "config.example.toml").read_text("utf-8")
    set_lines = re.findall(r"^# ([a-z_]+ = .+)$", text, re.MULTILINE)
    listed = tomllib.loads("\n".join(set_lines))
    assert listed == {field.name: field.default for field in fields(Settings) if field.name != "data_dir"}
    assert all(re.search(rf"^# [^\n]+\n# {name} = ", text, re.MULTILINE) for name in listed)
    assert tomllib.loads(text) == {}


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
