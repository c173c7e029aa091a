"""Commands for customers, tickets and unmatched submissions."""

import io
import json
import re
from datetime import datetime

import pytest

from database import database
from enums import TicketStatus
from models import Attachment, Event, Submission
from settings import settings
from tests.support.commands import command_paths, printed, refusal
from tests.support.files.samples import PDF, PNG
from tests.support.pasted import with_invisible
from tests.support.processes import run_app
from tests.support.servers.mailbox import path_in
from tests.support.tickets import write_message

PIN = re.compile(r"^PIN: (\d{4} \d{4})$", re.MULTILINE)


@pytest.fixture
def ticket(anna, run_worker, tickets):
    """A ticket with two attachments."""
    anna.report("warranty", reference="PO-4711", files=[(io.BytesIO(PNG), "Foto.png"), (io.BytesIO(PDF), "Beleg.pdf")])
    run_worker()
    return tickets()[0]


@pytest.fixture
def unmatched(anna, dora, run_worker, submissions):
    """A submission with a wrong PIN."""
    dora.report("incident", reference="geraten")
    run_worker()
    return submissions()[0]


@pytest.mark.parametrize("command", [("kunde", "liste"), ("worker", "--einmal"), ("pruefen",)])
def test_command_imports_no_web_pages(tmp_path, command):
    imported = imported_by(tmp_path, *command)
    assert "services.customers" in imported
    assert imported.isdisjoint({"flask", "waitress", "wtforms", "views"})


def test_working_days_import_no_foreign_calendars(tmp_path):
    imported = imported_by(tmp_path, "worker", "--einmal")
    assert [name for name in imported if name.startswith("holidays.countries.")] == ["holidays.countries.germany"]


def imported_by(data_dir, *command):
    report = run_app(data_dir, *command, PYTHONPROFILEIMPORTTIME="1").stderr.decode()
    return {line.rpartition("|")[2].strip() for line in report.splitlines()}


def test_add_customer(run_command, anna, run_worker, tickets):
    output = printed(
        run_command("kunde", "neu", "--nummer", "k 2002", "--name", "Autohaus Nord", "--mail", "a@nord.example")
    )
    assert "Kunde K2002 (Autohaus Nord) ist angelegt." in output
    anna.report("incident", customer_number="k2002", pin=PIN.search(output)[1])
    run_worker()
    (ticket,) = tickets()
    assert ticket.submission.customer_number == "K2002"


@pytest.mark.parametrize(
    ("option", "pasted", "stored"),
    [
        ("--nummer", "\ufeffk\u00a02002\u200b", "K2002"),
        ("--nummer", "K\u20112002", "K-2002"),
        ("--name", with_invisible("Autohaus Nord"), "Autohaus Nord"),
        ("--name", "Autohaus\r\nNord\u2028", "Autohaus Nord"),
        ("--mail", "a@nor\u200bd.example\u00a0", "a@nord.example"),
    ],
)
def test_options_as_they_are_pasted(run_command, option, pasted, stored):
    options = {"--nummer": "K2002", "--name": "Autohaus Nord", "--mail": "a@nord.example"} | {option: pasted}
    printed(run_command("kunde", "neu", *(word for pair in options.items() for word in pair)))
    (customer,) = json.loads(printed(run_command("kunde", "liste", "--json")))
    assert customer[option.removeprefix("--")] == stored
    printed(run_command("kunde", "sperren", "--nummer", f"\u200e{customer['nummer']}\u00a0"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("kunde", "pin", "--nummer"),
        ("ticket", "zeigen"),
        ("nicht-zugeordnet", "zeigen"),
        ("verwaltung", "sperren", "--name"),
    ],
)
def test_bytes_that_are_no_text(run_command, arguments):
    # So Python passes on what is not in the encoding of the console.
    assert "gibt es nicht" in refusal(run_command(*arguments, "K\udcfc1"))


def test_pin_is_stored_nowhere(run_command):
    spoken = PIN.search(printed(run_command("kunde", "neu", "--nummer", "K2002", "--name", "Autohaus Nord")))[1]
    stored = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert b"Autohaus Nord" in stored
    assert spoken.encode() not in stored
    assert spoken.replace(" ", "").encode() not in stored


def test_every_pin_is_different(run_command):
    pins = {
        PIN.search(printed(run_command("kunde", "neu", "--nummer", number, "--name", "Test")))[1]
        for number in ("A", "B", "C")
    }
    assert len(pins) == 3


@pytest.mark.parametrize(
    ("number", "name", "mail", "reason"),
    [
        ("K1001", "Test", "", "K1001 ist schon vergeben"),
        ("k1001", "Test", "", "K1001 ist schon vergeben"),
        ("Köln1", "Test", "", "„Köln1“ kann keine Kundennummer sein"),
        ("-1", "Test", "", "„-1“ kann keine Kundennummer sein"),
        ("", "Test", "", "„“ kann keine Kundennummer sein"),
        ("1" * 21, "Test", "", "höchstens 20 Zeichen"),
        ("K2002", " ", "", "Bitte geben Sie einen Namen"),
        ("K2002", "x" * 101, "", "höchstens 100 Zeichen"),
        ("K2002", "Test", "keine Adresse", "„keine Adresse“ ist keine E-Mail-Adresse"),
        ("K2002", "Test", "a@b@c.example", "ist keine E-Mail-Adresse"),
        ("K2002", "Test", "@", "ist keine E-Mail-Adresse"),
        ("K2002", "Test", "a@b.example\nBcc: c@d.example", "ist keine E-Mail-Adresse"),
        ("K2002", "Test", "a b@c.example", "ist keine E-Mail-Adresse"),
        ("K2002", "rot\x1b[31m", "", "„rot�[31m“ enthält Zeichen, die sich nicht anzeigen lassen"),
        ("K2002", "M\udcfcller", "", "„M�ller“ enthält Zeichen, die sich nicht anzeigen lassen"),
    ],
)
def test_customer_refused(run_command, anna, number, name, mail, reason):
    result = run_command("kunde", "neu", "--nummer", number, "--name", name, "--mail", mail)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Fehler: ")
    assert reason in result.stderr
    assert len(json.loads(run_command("kunde", "liste", "--json").stdout)) == 1


def test_list_of_customers(run_command, anna):
    run_command("kunde", "neu", "--nummer", "K0999", "--name", "Zimmerei Yılmaz")
    run_command("kunde", "neu", "--nummer", "K2000", "--name", "Ärztehaus Süd")
    lines = printed(run_command("kunde", "liste")).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["K2000", "K1001", "K0999"]
    assert "Bäckerei Sommer" in lines[2]
    assert json.loads(printed(run_command("kunde", "liste", "--json"))) == [
        {"nummer": "K2000", "name": "Ärztehaus Süd", "mail": "", "gesperrt_seit": None},
        {"nummer": "K1001", "name": "Bäckerei Sommer", "mail": "post@sommer.example", "gesperrt_seit": None},
        {"nummer": "K0999", "name": "Zimmerei Yılmaz", "mail": "", "gesperrt_seit": None},
    ]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("kunde", "liste"), "Noch keine Kunden"),
        (("ticket", "liste"), "Noch keine Tickets"),
        (("nicht-zugeordnet", "liste"), "keine nicht zugeordneten Anfragen"),
        (("verwaltung", "liste"), "Noch keine Konten"),
    ],
)
def test_empty_lists(run_command, command, sentence):
    assert sentence in printed(run_command(*command))
    assert json.loads(printed(run_command(*command, "--json"))) == []


def test_new_pin(run_command, anna, run_worker, tickets, submissions):
    output = printed(run_command("kunde", "pin", "--nummer", "k1001"))
    assert "Kunde K1001 (Bäckerei Sommer) hat eine neue PIN." in output
    anna.report("incident")
    anna.report("incident", pin=PIN.search(output)[1])
    run_worker()
    old, new = submissions()
    assert old.unmatched_reason == "former_pin"
    assert [ticket.submission_id for ticket in tickets()] == [new.id]


def test_lock_and_unlock(run_command, anna, run_worker, tickets, submissions):
    assert "ist gesperrt" in printed(run_command("kunde", "sperren", "--nummer", "K1001"))
    assert json.loads(printed(run_command("kunde", "liste", "--json")))[0]["gesperrt_seit"]
    anna.report("incident")
    run_worker()
    assert submissions()[0].unmatched_reason == "customer_locked"
    assert "ist entsperrt" in printed(run_command("kunde", "entsperren", "--nummer", "K1001"))
    assert json.loads(printed(run_command("kunde", "liste", "--json")))[0]["gesperrt_seit"] is None
    anna.report("incident")
    run_worker()
    assert len(tickets()) == 1


@pytest.mark.parametrize("command", ["pin", "sperren", "entsperren"])
def test_unknown_customer(run_command, command):
    assert refusal(run_command("kunde", command, "--nummer", "K9")) == "Einen Kunden mit der Nummer „K9“ gibt es nicht."


def test_list_of_tickets(run_command, anna, run_worker, tickets):
    anna.report("incident", priority="high")
    anna.report("new_employee", entry_date="2026-01-05")
    run_worker()
    first, second = tickets()
    lines = printed(run_command("ticket", "liste")).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [second.submission.spoken_code, first.submission.spoken_code]
    assert "Vorlauf unterschritten" in lines[1]
    newest, oldest = json.loads(printed(run_command("ticket", "liste", "--json")))
    assert newest["hinweise"] == ["Vorlauf unterschritten", "keine E-Mail-Adresse gewünscht"]
    assert oldest["hinweise"] == []
    assert datetime.fromisoformat(oldest["eingegangen"]) == first.submission.received_at
    assert (oldest["vorgang"], oldest["kundennummer"]) == (first.submission.spoken_code, "K1001")
    assert (oldest["art"], oldest["prioritaet"], oldest["status"]) == ("Störung", "Hoch", TicketStatus.NEW.label)


def test_scripts_find_tickets_by_these_names(run_command, anna, run_worker):
    anna.report("incident")
    run_worker()
    (row,) = json.loads(printed(run_command("ticket", "liste", "--json")))
    assert " ".join(row) == (
        "vorgang eingegangen art prioritaet kundennummer von kontaktnummer "
        "status kunde mail_des_kunden freigabe bearbeitet_von hinweise"
    )
    assert (row["von"], row["kontaktnummer"]) == ("Anna Sommer", "0211 555-0101")
    assert (row["kunde"], row["mail_des_kunden"]) == ("Bäckerei Sommer", "post@sommer.example")
    assert (row["freigabe"], row["bearbeitet_von"]) == ("nicht nötig", "")


def test_show_ticket(run_command, ticket):
    output = printed(run_command("ticket", "zeigen", ticket.submission.spoken_code))
    for line in (
        f"Vorgang {ticket.submission.spoken_code}, eingegangen am ",
        "Status: Neu",
        "Bezeichnung des Geräts: ThinkPad E16",
        "Referenz: PO-4711",
        "Anhang 1: Foto.png (",
        "Anhang 2: Beleg.pdf (1\xa0KB)",
        "Portal: Ticket angelegt: Kundennummer und PIN stimmen.",
    ):
        assert line in output
    whole = json.loads(printed(run_command("ticket", "zeigen", ticket.submission.spoken_code, "--json")))
    assert whole["angaben"]["bezeichnung_des_geraets"] == "ThinkPad E16"
    assert [(file["nr"], file["name"]) for file in whole["anhaenge"]] == [(1, "Foto.png"), (2, "Beleg.pdf")]
    assert whole["verlauf"][0]["wer"] == "Portal"


FORGED = "23.11.2026 um 10:30 Uhr · Portal: Freigegeben: Sommer"


def test_typed_lines_do_not_look_like_lines_of_the_list(run_command, anna, dora, run_worker, submissions, mailbox):
    for sender in (anna, dora):
        sender.report("incident", description=f"Der Drucker steht.\r\n{FORGED}\r\nStatus: Erledigt")
    run_worker()
    page = path_in(mailbox.last_to("post@sommer.example"), "/vorgang/")
    assert write_message(anna, page, f"Eilt!\n\n{FORGED}").status == 303
    matched, unmatched = submissions()
    for command, code in (("ticket", matched.code), ("nicht-zugeordnet", unmatched.code)):
        lines = printed(run_command(command, "zeigen", code)).splitlines()
        assert f"    {FORGED}" in lines
        assert "    Status: Erledigt" in lines
        assert not [line for line in lines if line.startswith((FORGED, "Status: Erledigt"))]


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x9b1A", "\r", "\b", "\x85", "\u2028", "\v", "\u202e", "\x07"], ids=ascii)
def test_stored_control_characters_do_nothing(run_command, ticket, sign):
    """An earlier version may have stored them."""
    with database.connection_context():
        Submission.update(name=f"Anna{sign}{FORGED}", device=f"Drucker{sign}{FORGED}").execute()
        Event.update(text=f"Text{sign}{FORGED}").execute()
        Attachment.update(name=f"Foto{sign}{FORGED}.png").execute()
    shown = printed(run_command("ticket", "zeigen", ticket.submission.code))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", shown)
    assert not [line for line in shown.splitlines() if line.startswith(FORGED)]
    listed = printed(run_command("ticket", "liste"))
    assert (len(listed.splitlines()), sign in listed) == (2, False)


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        with_invisible,
        *(lambda code, dash=dash: code.replace("-", dash) for dash in ("", " ", "\u2011", "\u00a0")),
    ],
)
def test_code_as_people_type_it(run_command, ticket, typed):
    code = ticket.submission.spoken_code
    assert f"Vorgang {code}" in printed(run_command("ticket", "zeigen", typed(code)))


@pytest.mark.parametrize(("position", "name", "content"), [("1", "Foto.png", PNG), ("2", "Beleg.pdf", PDF)])
def test_save_attachment_under_its_own_name(run_command, ticket, tmp_path, monkeypatch, position, name, content):
    monkeypatch.chdir(tmp_path)
    assert printed(run_command("ticket", "anhang", ticket.submission.code, position)) == f"Geschrieben: {name}\n"
    assert (tmp_path / name).read_bytes() == content


def test_save_attachment_elsewhere(run_command, ticket, tmp_path):
    target = tmp_path / "anderswo.png"
    printed(run_command("ticket", "anhang", ticket.submission.code, "1", "--ziel", str(target)))
    assert target.read_bytes() == PNG


def test_save_attachment_never_overwrites(run_command, ticket, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Foto.png").write_bytes(b"meins")
    assert "Die Datei Foto.png gibt es schon." in refusal(run_command("ticket", "anhang", ticket.submission.code, "1"))
    assert (tmp_path / "Foto.png").read_bytes() == b"meins"


def test_save_missing_attachment_creates_no_file(run_command, ticket, tmp_path):
    for path in settings.files_dir.iterdir():
        path.unlink()
    target = tmp_path / "Foto.png"
    result = run_command("ticket", "anhang", ticket.submission.code, "1", "--ziel", str(target))
    assert "ließ sich nicht schreiben" in refusal(result)
    assert not target.exists()


def test_save_attachment_into_a_missing_folder(run_command, ticket, tmp_path):
    target = tmp_path / "fehlt" / "Foto.png"
    result = run_command("ticket", "anhang", ticket.submission.code, "1", "--ziel", str(target))
    assert "ließ sich nicht schreiben" in refusal(result)


@pytest.mark.parametrize("position", ["3", "99999999999999999999"])
def test_attachment_that_does_not_exist(run_command, ticket, position):
    assert f"Einen Anhang Nummer {position} hat der Vorgang" in refusal(
        run_command("ticket", "anhang", ticket.submission.code, position)
    )


@pytest.mark.parametrize("command", [("ticket", "zeigen", "ABCD-2345"), ("ticket", "anhang", "ABCD-2345", "1")])
def test_unknown_ticket(run_command, command):
    assert refusal(run_command(*command)) == "Ein Ticket ABCD-2345 gibt es nicht."


def test_unmatched(run_command, unmatched):
    lines = printed(run_command("nicht-zugeordnet", "liste")).splitlines()
    assert unmatched.spoken_code in lines[1]
    assert "PIN falsch" in lines[1]
    (row,) = json.loads(printed(run_command("nicht-zugeordnet", "liste", "--json")))
    assert (row["grund"], row["von"], row["kontaktnummer"]) == ("PIN falsch", "Dora Dreist", "0172 5550199")
    output = printed(run_command("nicht-zugeordnet", "zeigen", unmatched.spoken_code))
    assert "Grund: PIN falsch" in output
    assert "Referenz: geraten" in output
    whole = json.loads(printed(run_command("nicht-zugeordnet", "zeigen", unmatched.spoken_code, "--json")))
    assert whole["grund"] == "PIN falsch"
    assert "11111111" not in output.replace(" ", "")


def test_unmatched_submission_is_no_ticket(run_command, unmatched):
    assert "gibt es nicht" in refusal(run_command("ticket", "zeigen", unmatched.spoken_code))
    assert "Noch keine Tickets" in printed(run_command("ticket", "liste"))


def test_ticket_is_not_unmatched(run_command, ticket):
    assert "gibt es nicht" in refusal(run_command("nicht-zugeordnet", "zeigen", ticket.submission.spoken_code))
    assert "keine nicht zugeordneten" in printed(run_command("nicht-zugeordnet", "liste"))


def test_worker_once(run_command, anna, dora, tickets):
    anna.report("incident")
    dora.report("incident")
    assert "Geprüfte Anfragen: 2" in printed(run_command("worker", "--einmal"))
    assert "Geprüfte Anfragen: 0" in printed(run_command("worker", "--einmal"))
    assert len(tickets()) == 1


def test_tests_are_run_by_start_py(run_command):
    assert refusal(run_command("test")) == "Bitte starten Sie die Tests mit: python3 start.py test"


@pytest.mark.parametrize("path", command_paths(), ids=" ".join)
def test_help_is_german(run_command, path):
    output = printed(run_command(*path, "--help"))
    assert output.startswith(f"Aufruf: {' '.join(['start.py', *path])} [OPTIONEN]")
    assert "Diese Hilfe anzeigen." in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["kunden"], "Den Befehl „kunden“ gibt es nicht. Meinten Sie „kunde“?"),
        (["xyz"], "Den Befehl „xyz“ gibt es nicht."),
        (["kunde", "neu", "--nummer", "K1"], "Es fehlt die Option „--name“."),
        (["kunde", "pin"], "Es fehlt die Option „--nummer“."),
        (["kunde", "pin", "--nummer"], "Zur Option „--nummer“ fehlt der Wert."),
        (["kunde", "liste", "--jsn"], "Die Option „--jsn“ gibt es nicht. Meinten Sie „--json“?"),
        (["kunde", "liste", "--json=1"], "Die Option „--json“ hat keinen Wert."),
        (["kunde", "liste", "mehr"], "Diese Angabe ist zu viel: mehr"),
        (["kunde", "liste", "mehr", "davon"], "Diese Angaben sind zu viel: mehr davon"),
        (["ticket", "zeigen"], "Es fehlt die Angabe „VORGANGSNUMMER“."),
        (["ticket", "anhang", "ABCD-2345", "eins"], "Bitte prüfen Sie „NR“: „eins“ ist keine Zahl."),
        (["ticket", "anhang", "ABCD-2345", "0"], "Bitte prüfen Sie „NR“: 0 ist zu klein oder zu groß."),
        (["worker"], "Es fehlt die Option „--einmal“."),
        (["--xyz"], "Die Option „--xyz“ gibt es nicht."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(run_command, arguments, sentence):
    result = run_command(*arguments)
    assert refusal(result, exit_code=2) == sentence


@pytest.mark.parametrize("group", ["kunde", "ticket", "nicht-zugeordnet", "verwaltung"])
def test_group_without_a_command_lists_its_commands(run_command, group):
    result = run_command(group)
    assert result.exit_code == 2
    assert "Befehle:" in result.output


def test_as_a_process(tmp_path):
    added = run_app(tmp_path / "instance", "kunde", "neu", "--nummer", "K1", "--name", "Bäckerei Sommer")
    assert added.returncode == 0
    assert added.stderr.decode().splitlines() == [
        f"Im Datenordner {tmp_path / 'instance'} lag noch kein Portal; dort ist jetzt ein neues."
    ]
    assert PIN.search(added.stdout.decode().replace("\r\n", "\n"))
    again = run_app(tmp_path / "instance", "kunde", "neu", "--nummer", "K1", "--name", "Bäckerei Sommer")
    assert (again.returncode, again.stdout) == (1, b"")
    assert again.stderr.decode().splitlines() == ["Fehler: Die Kundennummer K1 ist schon vergeben."]


def test_german_whatever_the_locale(tmp_path):
    result = run_app(tmp_path, "kunde", "--help", LC_ALL="C", LANG="C", LANGUAGE="fr")
    assert result.stdout.decode().startswith("Aufruf: start.py kunde [OPTIONEN] BEFEHL …")


def test_unusual_characters_in_redirected_output_on_windows(tmp_path):
    name = "Café Yılmaz 😀"
    run_app(tmp_path, "kunde", "neu", "--nummer", "K1", "--name", name)
    windows = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    listed = run_app(tmp_path, "kunde", "liste", **windows)
    assert (listed.returncode, listed.stderr) == (0, b"")
    assert "Café Y".encode("cp1252") in listed.stdout
    as_json = run_app(tmp_path, "kunde", "liste", "--json", **windows)
    assert json.loads(as_json.stdout.decode("cp1252"))[0]["name"] == name
