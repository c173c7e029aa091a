"""The office's virus scanner: harmful files are refused, and all files while it does not answer."""

import io
import os
import select
import shlex
import subprocess
import sys

import pytest

from database import database
from models import Attachment
from services.files import virus_scanner
from settings import Settings, StartError, settings
from tests.support.files.samples import PDF, PNG

SCANNER = """
import pathlib, sys
*arguments, path = sys.argv[1:]
content = pathlib.Path(path).read_bytes()
if b"still" in content:
    import time
    time.sleep(60)
print(f"{path}: Eicar-Test\\nInfected files: 1", arguments)
sys.exit(1 if b"EICAR" in content else 2 if b"crash" in content else 0)
"""

HARMFUL = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"


@pytest.fixture
def scan(app, tmp_path, monkeypatch):
    """Set a small scanner that is a program of its own, in a folder with spaces."""
    program = tmp_path / "Mein Scanner" / "scan.py"
    program.parent.mkdir()
    program.write_text(SCANNER, "utf-8")
    # Ends a failure of an earlier test.
    monkeypatch.setattr(settings, "scanner", "true")
    virus_scanner.scan(program, "127.0.0.1")
    monkeypatch.setattr(settings, "scanner", subprocess.list2cmdline([sys.executable, str(program), "--no-summary"]))
    return program


@pytest.fixture
def upload(anna):
    """Upload a file as the form does when it is chosen, and return the answer."""
    fields = anna.get("/").fields()

    def send(name, content):
        data = {key: fields[key] for key in ("csrf_token", "draft")} | {"files": (io.BytesIO(content), name)}
        return anna.post("/anhaenge", data, headers={"HX-Request": "true"})

    return send


def staged_names():
    with database.connection_context():
        return [attachment.name for attachment in Attachment.select()]


def assert_refused(answer, reason):
    assert answer.status == 422
    assert "„Notiz.txt“ konnten wir nicht annehmen:" in answer.text
    assert reason in answer.text
    assert staged_names() == []
    assert list(settings.files_dir.iterdir()) == []


def test_clean_file_is_accepted(scan, upload):
    assert upload("Foto.png", PNG).status == 200
    assert upload("Rechnung.pdf", PDF).status == 200
    assert staged_names() == ["Foto.png", "Rechnung.pdf"]


def test_harmful_file_is_refused(scan, upload, caplog):
    assert_refused(upload("Notiz.txt", HARMFUL), virus_scanner.HARMFUL)
    (noted,) = [record.getMessage() for record in caplog.records]
    assert noted.startswith("schädliche Datei abgewiesen | Quelle=127.0.0.1 | Was=Exitcode 1, ")
    assert "Eicar-Test Infected files: 1 ['--no-summary']" in noted
    assert not virus_scanner.is_unavailable()


def test_scanner_that_fails(scan, upload, caplog):
    assert_refused(upload("Notiz.txt", b"crash"), virus_scanner.UNAVAILABLE)
    assert "Exitcode 2" in caplog.text


def test_scanner_that_is_missing(scan, upload, caplog):
    scan.parent.rename(scan.parent.with_name("verschoben"))
    assert_refused(upload("Notiz.txt", b"Hallo"), virus_scanner.UNAVAILABLE)
    assert "deshalb kommt keine Datei herein" in caplog.text


@pytest.mark.parametrize("command", ["gibt-es-nicht --fdpass", "/"])
def test_command_that_is_missing(scan, upload, monkeypatch, command):
    monkeypatch.setattr(settings, "scanner", command)
    assert_refused(upload("Notiz.txt", b"Hallo"), virus_scanner.UNAVAILABLE)


def test_scanner_that_hangs(scan, upload, monkeypatch):
    monkeypatch.setattr(virus_scanner, "TIMEOUT_SECONDS", 0.3)
    assert_refused(upload("Notiz.txt", b"still"), virus_scanner.UNAVAILABLE)


def test_scanner_that_hangs_behind_a_script_is_ended_with_it(scan, upload, monkeypatch, tmp_path):
    os.mkfifo(tmp_path / "sign")
    sign = os.open(tmp_path / "sign", os.O_RDONLY | os.O_NONBLOCK)
    script = f"exec 3>{shlex.quote(str(tmp_path / 'sign'))}; echo läuft >&3; sleep 60; true"
    monkeypatch.setattr(settings, "scanner", shlex.join(["sh", "-c", script]))
    monkeypatch.setattr(virus_scanner, "TIMEOUT_SECONDS", 0.5)
    assert_refused(upload("Notiz.txt", b"still"), virus_scanner.UNAVAILABLE)
    assert os.read(sign, 20) == "läuft\n".encode()
    # The pipe ends when no process has it open.
    assert select.select([sign], [], [], 20)[0]
    assert os.read(sign, 20) == b""
    os.close(sign)


def test_scanner_that_fails_is_not_asked_for_each_further_file(scan, anna, caplog):
    files = [(io.BytesIO(b"crash %d" % number), f"Notiz {number}.txt") for number in range(5)]
    page = anna.send("incident", files=files)
    names = "„Notiz 0.txt“, „Notiz 1.txt“, „Notiz 2.txt“, „Notiz 3.txt“ und „Notiz 4.txt“"
    assert f"{names} konnten wir nicht annehmen: {virus_scanner.UNAVAILABLE}" in page.text
    assert caplog.text.count("Der Virenscanner hat nicht geprüft") == 1


def test_only_half_of_the_threads_wait_for_the_scanner(scan, upload):
    queue, others = virus_scanner.scan_queue(), [f"192.0.2.{number}" for number in range(settings.threads // 2)]
    places = [queue.join(ip) for ip in others]
    try:
        assert_refused(upload("Notiz.txt", b"Hallo"), virus_scanner.BUSY)
    finally:
        for ip in others:
            queue.leave(ip)
    assert all(place.done() for place in places)
    assert upload("Notiz.txt", b"Hallo").status == 200


def test_no_shell_reads_the_command(scan, upload, tmp_path, monkeypatch):
    trace = tmp_path / "trace"
    monkeypatch.setattr(settings, "scanner", f"{settings.scanner} ; touch {shlex.quote(str(trace))}")
    assert upload("Notiz.txt", b"Hallo").status == 200
    assert not trace.exists()


def test_file_that_is_refused_anyway_is_not_scanned(scan, upload, caplog):
    assert upload("Notiz.exe", HARMFUL).status == 422
    assert caplog.records == []


def test_report_can_be_sent_without_its_file_while_the_scanner_fails(scan, anna, submissions):
    page = anna.send("incident", files=[(io.BytesIO(b"crash"), "Notiz.txt")])
    assert page.status == 422
    assert virus_scanner.UNAVAILABLE in page.text
    assert anna.post("/", page.fields()).status == 303
    (submission,) = submissions()
    with database.connection_context():
        assert list(submission.attachments) == []


def test_office_is_told_that_the_scanner_fails(scan, upload, clara):
    warning = "antwortet nicht</span> Bis er wieder antwortet"
    assert warning not in clara.get("/verwaltung/").text
    upload("Notiz.txt", b"crash")
    assert warning in clara.get("/verwaltung/").text
    upload("Notiz.txt", b"Hallo")
    assert warning not in clara.get("/verwaltung/").text


def test_command_line_that_cannot_be_taken_apart():
    with pytest.raises(StartError, match="muss ein Befehl sein"):
        Settings().load({"TICKET_SCANNER": 'clamdscan "--fdpass'})


def test_health_check_scans_a_harmless_text(scan, run_command):
    assert "Virenscanner: in Ordnung" in run_command("pruefen").output
    scan.write_text("import sys; print('kein Zugriff'); sys.exit(2)", "utf-8")
    output = run_command("pruefen").output
    assert "prüft keine Datei, so kommt auch keine herein: Exitcode 2, kein Zugriff" in output
