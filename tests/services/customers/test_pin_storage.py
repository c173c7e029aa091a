"""No database file, log or backup holds an issued PIN: every byte is searched for every spelling."""

import io
import re
import zipfile
from datetime import UTC, datetime
from urllib.error import HTTPError

import pytest

import clock
from database import checkpoint, database
from settings import settings
from tests.support.cast import PASSWORD, PIN
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import HTMX
from tests.support.servers.http_client import HttpClient, with_file
from tests.support.servers.live_server import LiveServer
from tests.support.staff import CUSTOMERS, IMPORT, NEW_CUSTOMER, PIN_LETTERS, RUN_IMPORT, press, printed_pins

TABLE = "Kundennummer;Name;Ansprechpartner;E-Mail\nK3001;Autohaus Nord;;\nK3002;Praxis Süd;;\n"


def spellings(pin):
    """Return all spellings of a PIN: in one, in two groups, with the dashes of keyboards and of Word."""
    first, second = pin[:4], pin[-4:]
    return [f"{first}{mark}{second}" for mark in ("", " ", "-", "–", "\N{NON-BREAKING HYPHEN}", "\N{NO-BREAK SPACE}")]


def bytes_of(folder):
    """Return what is in every file of a folder, and in every member of an archive, by name."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found |= {f"{path.name}: {name}": archive.read(name) for name in archive.namelist()}
    return found


def holding(places, pin_list):
    """Return where a PIN occurs, in any spelling and encoding."""
    written = [(pin, text) for pin in pin_list for text in spellings(pin)]
    return [
        (place, pin)
        for place, content in places.items()
        for pin, text in written
        for encoding in ("utf-8", "utf-16-le", "utf-16-be")
        if text.encode(encoding) in content
    ]


def answer_to(line, path, values, *kind):
    """Send a form and return the status of the answer."""
    try:
        return line.post(path, values, *kind).status
    except HTTPError as error:
        error.close()
        return error.code


@pytest.fixture
def running(app, monkeypatch):
    """A portal, not yet started, that shares its data folder with the commands of this process."""
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC))
    database.close_idle()
    portal = LiveServer(settings.data_dir)
    yield portal
    portal.kill()


def signed_in(portal):
    office = HttpClient(portal)
    form = office.get("/verwaltung/anmelden").fields().to_dict()
    assert office.post("/verwaltung/anmelden", form | {"name": "Clara Neumann", "password": PASSWORD}).status == 200
    return office


def issue_on_paper(browser):
    """Issue PINs on every page of the office that does so, and return them by customer number."""
    values = browser.get(NEW_CUSTOMER).fields(NEW_CUSTOMER).to_dict()
    issued = {
        "K2001": printed_pins(
            browser.post(
                NEW_CUSTOMER,
                values | {"number": "K2001", "name": "Steuerkanzlei", "fully_managed": "True", "letter": "yes"},
            )
        )
    }
    customer = re.search(rf'href="({CUSTOMERS}/\d+)"', browser.get(f"{CUSTOMERS}?text=K2001").text)[1]
    issued["K2001"] += printed_pins(press(browser, f"{customer}/pin", browser.get(f"{customer}/pin")))
    token = browser.get(IMPORT).fields(IMPORT)["csrf_token"]
    preview = browser.post(IMPORT, *with_file_named("file", {"csrf_token": token}, "kunden.csv", TABLE.encode()))
    choice = browser.post(RUN_IMPORT, preview.fields(RUN_IMPORT))
    values = choice.fields(PIN_LETTERS)
    printed = printed_pins(browser.post(PIN_LETTERS, list(values.items(multi=True))))
    return issued | dict(zip(values.getlist("customers"), ([pin] for pin in printed), strict=True))


def with_file_named(field, values, name, content):
    body, kind = with_file(values, name, content)
    return body.replace(b'name="files"', f'name="{field}"'.encode()), kind


def type_in(portal, known):
    """Type a PIN into the form in all cases: sent, mistyped, with a file, too large, at a server error."""
    line = HttpClient(portal)
    values = line.filled(known)
    assert answer_to(line, "/felder", *with_file(values, "Foto.png", SMALL_PNG)) == 200
    assert answer_to(line, "/", values | {"name": ""}) == 422
    assert answer_to(line, "/", values | {"pin": f"{known['pin']}0"}) == 422
    assert answer_to(line, "/", values | {"description": "x" * 2**21}) == 413
    assert answer_to(line, "/", values | {"csrf_token": ""}) in (403, 422)
    files, away = portal.data_dir / "files", portal.data_dir / "files-away"
    files.rename(away)
    assert answer_to(line, "/", *with_file(values, "Foto.png", SMALL_PNG)) == 500
    away.rename(files)
    assert answer_to(line, "/", *with_file(values, "Foto.png", SMALL_PNG)) == 200


def test_no_file_of_a_running_portal_holds_a_pin(running, run_command):
    printed = run_command("kunde", "neu", "--nummer", "K1001", "--name", "Bäckerei Sommer").output
    printed += run_command("kunde", "pin", "--nummer", "K1001").output
    run_command("verwaltung", "neu", "--name", "Clara Neumann", typed=f"{PASSWORD}\n{PASSWORD}\n")
    running.start(worker_tick_seconds=0.05, limits="off")
    clara = signed_in(running)
    issued = {"K1001": re.findall(r"PIN: (\d{4} \d{4})", printed)} | issue_on_paper(clara)
    everyone = [pin for found in issued.values() for pin in found]
    assert len(set(everyone)) == len(everyone) == 6
    line = HttpClient(running)
    for place, (number, pin) in enumerate((number, pin) for number, found in issued.items() for pin in found):
        typed = spellings(pin)[place % len(spellings(pin))]
        known = {"customer_number": number, "pin": typed, "name": "Anna", "phone": "0211 555-0101"}
        if place == 0:
            type_in(running, known)
        assert answer_to(line, "/", line.filled(known)) == 200
    assert run_command("worker", "--einmal").exit_code == 0
    for path in ("", "tickets", "nicht-zugeordnet", "postausgang", "kunden", "zahlen", "datenschutz"):
        assert clara.get(f"/verwaltung/{path}").status == 200
    assert run_command("sichern").exit_code == 0
    running.stop()

    places = bytes_of(running.data_dir) | {"screen": running.log().encode()}
    names = " ".join(places)
    for expected in ("tickets.db", "logs/meldeportal.log", "files/", "sicherung-", ".zip: tickets.db"):
        assert expected in names
    # The search works: what was sent is found, and failures are in the log.
    assert b"FileNotFoundError" in places["logs/meldeportal.log"]
    assert places["tickets.db"].count(b"K3002") > 1
    assert holding(places, everyone) == []


@pytest.fixture(params=["wal", "rollback"])
def journal(app, monkeypatch, request, use_rollback_journal):
    """Collect what SQLite's journal holds at the end of every transaction, and the database after a checkpoint."""
    seen, commit, path = {"db": set(), "journal": set()}, database.commit, settings.database_path
    if request.param == "rollback":
        use_rollback_journal()

    def watched():
        # One is emptied by the commit, the other filled.
        journals = [path.with_name(f"{path.name}-{kind}") for kind in ("journal", "wal")]
        seen["journal"] |= pieces_of(*journals)
        commit()
        seen["journal"] |= pieces_of(*journals)
        checkpoint()
        seen["db"] |= pieces_of(path)

    monkeypatch.setattr(database, "commit", watched)
    return seen


def pieces_of(*paths):
    """Return the files in pieces that overlap by more than the length of a PIN; most are the same after a change."""
    contents = [path.read_bytes() for path in paths if path.exists()]
    return {content[begin : begin + 4160] for content in contents for begin in range(0, len(content), 4096)}


def test_no_journal_holds_a_pin(journal, anna, clara, run_worker, run_command):
    printed = run_command("kunde", "neu", "--nummer", "K2001", "--name", "Steuerkanzlei").output
    issued = re.findall(r"PIN: (\d{4} \d{4})", printed)
    sommer = f"{CUSTOMERS}/1"
    issued += printed_pins(press(clara, f"{sommer}/pin", clara.get(f"{sommer}/pin")))
    for pin in (PIN, *issued):
        for text in spellings(pin)[:4]:
            anna.report("incident", pin=text, files=[(io.BytesIO(SMALL_PNG), "Foto.png")])
            anna.post("/", anna.filled("warranty", pin=text, name=""), headers=HTMX)
        run_worker()
    # The search works: what was sent is in both.
    for pieces in journal.values():
        assert any(b"Anna Sommer" in piece for piece in pieces)
        assert holding(dict(enumerate(pieces)), [PIN, *issued]) == []


def test_a_pin_would_be_found(tmp_path):
    """The search that finds nothing elsewhere finds a PIN where there is one."""
    for number, text in enumerate(spellings(PIN)):
        (tmp_path / f"{number}.txt").write_bytes(text.encode("utf-16-le" if number % 2 else "utf-8"))
    with zipfile.ZipFile(tmp_path / "sicherung.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tickets.db", f"{'x' * 500}{PIN}{'x' * 500}")
    found = {place for place, _ in holding(bytes_of(tmp_path), [PIN])}
    assert found == {*(f"{number}.txt" for number in range(6)), "sicherung.zip: tickets.db"}
