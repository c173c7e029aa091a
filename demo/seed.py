"""Sample customers and requests to try the portal with. They take the same way into the portal as real ones."""

import io
import os
import secrets
import struct
import zlib
from datetime import timedelta

from clock import TIME_ZONE
from demo import history, phrases
from enums import Category, Priority, Salutation
from models import TextBlock, Ticket
from services.background import worker
from services.customers import customers, pins
from services.files import attachments
from services.intake import intake
from services.mail import access_links
from services.staff import accounts
from services.tickets import text_blocks
from settings import settings

DEMO_ENVIRONMENT = {
    "TICKET_OFFICE_NAME": "Muster-IT",
    "TICKET_OFFICE_EMAIL": "support@muster-it.example",
    "TICKET_OFFICE_PHONE": "0211 555000",
    # The sample customers get no mails.
    "TICKET_SMTP_URL": "",
    "TICKET_WEBHOOK_URL": "",
}

HISTORY_TICKETS = 600
HISTORY_PERIOD = timedelta(days=365)

CUSTOMERS = [
    ("K1001", "Bäckerei Sommer", "sommer.example.org"),
    ("K1002", "Steuerkanzlei Brandt & Partner", "brandt.example.org"),
    ("K1003", "Autohaus Nordring GmbH", "nordring.example.org"),
    ("K1004", "Zahnarztpraxis Dr. Yılmaz", "yilmaz.example.org"),
]

CUSTOMER_WITH_APPROVER, APPROVER = "K1004", {"name": "Mehtap Yılmaz", "email": "mehtap@yilmaz.example.org"}

PEOPLE = [
    ("Anna Sommer", "0211 555 0101"),
    ("Jonas Brandt", "0221 555 0122"),
    ("Deniz Aydın", "+49 231 555 0133"),
    ("Peter Krüger", "0172 555 0144"),
    ("Lea Hoffmann", "0201 555 0155-12"),
]

INCIDENTS = [
    ("Der Drucker an der Theke zieht kein Papier mehr ein. Papierstau ist keiner zu sehen.", Priority.MEDIUM),
    ("Kein Internet im ganzen Haus seit 8:10\N{NO-BREAK SPACE}Uhr, auch die Telefone sind tot.", Priority.HIGH),
    ("Der Bildschirm am Empfang flackert und wird nach einer Minute schwarz.", Priority.MEDIUM),
    ("Beim Speichern auf Laufwerk S: erscheint „Zugriff verweigert“.", Priority.LOW),
    ("Die Kasse druckt keine Bons, die Lampe blinkt rot.", Priority.MEDIUM),
    ("Das Telefon am Platz 12 klingelt nicht, abheben und sprechen geht.", Priority.LOW),
    ("Auf dem Bildschirm steht „Ihre Dateien sind verschlüsselt“. Wir haben alles ausgeschaltet!", Priority.HIGH),
    ("Die Datensicherung meldet seit drei Tagen einen Fehler.", Priority.MEDIUM),
]
DEVICES = [
    ("Notebook ThinkPad E16", "PF4X7Q2M", "AB-20417", "Der Akku lädt nicht mehr über 40 Prozent."),
    ("Drucker Brother HL-L5210DN", "", "RE-2026-0815", "Nach dem Einschalten nur ein Dauerton."),
    ("USV Eaton 5P 1150i", "G117K02233", "AB-19980", "Meldet „Batterie ersetzen“, ist aber erst ein Jahr alt."),
]
# The last value is the number of days until the entry date.
EMPLOYEES = [
    (Salutation.MS, "Clara", "Neumann", "Buchhaltung", "clara.neumann@example.org", 21),
    (Salutation.MR, "Tarek", "Aziz", "Serviceberater", "", 3),
    (Salutation.UNSTATED, "Kim", "Petersen", "Auszubildende Person im Empfang", "kim.petersen@example.org", 40),
]
REMARKS = "Bitte Zugriff auf das Laufwerk der Abteilung."
CALLBACKS = [
    ("Wir überlegen, das Lager mit WLAN auszustatten, und hätten gern eine Einschätzung.", Priority.LOW, "Büro"),
    ("Bitte Termin für den Umzug der Telefonanlage abstimmen.", Priority.MEDIUM, "Büro"),
]
OTHERS = [
    ("Bitte zwei weitere Lizenzen für das Bildprogramm bestellen.", Priority.LOW),
    ("Die Sicherungsbänder sind voll, wohin mit den alten?", Priority.MEDIUM),
]
# This request has a mistyped PIN, so that one is unmatched.
MISTYPED = 5


def add_sample_data(now, ticket_count=None):
    """Add the customers, some requests of the last days and a past; return the text that says how to try the portal.

    The past is a small one of a year, or `ticket_count` tickets of five years.
    """
    if ticket_count is None:
        history.add_history(HISTORY_TICKETS, now, HISTORY_PERIOD)
    else:
        history.add_history(ticket_count, now)
    access = [_add_customer(*facts, now) for facts in CUSTOMERS]
    requests = _requests(now.astimezone(TIME_ZONE).date())
    for position, request in enumerate(requests):
        customer, pin = access[position % len(access)]
        name, phone = PEOPLE[position % len(PEOPLE)]
        known = {"name": name, "phone": phone, "customer_number": customer.number}
        received_at = now - timedelta(hours=2 * (len(requests) - position))
        _send(position, known | request, "00000000" if position == MISTYPED else pin, received_at)
    worker.run_once(now)
    for name, text in phrases.TEXT_BLOCKS.items():
        text_blocks.save(TextBlock(), {"name": name, "text": text})
    member, password = accounts.find(phrases.STAFF[0]), secrets.token_urlsafe(12)
    accounts.set_password(member, password, now)
    lines = [
        f"  Kundennummer {customer.number}   PIN: {pins.spoken_pin(pin)}   {customer.name}" for customer, pin in access
    ]
    return (
        "\nBeispielkunden zum Ausprobieren:\n"
        + "\n".join(lines)
        + f"\n\nDie Verwaltung: {settings.url}/verwaltung/\n  Name: {member.name}   Kennwort: {password}"
        + f"\n\nEine Anfrage von {CUSTOMER_WITH_APPROVER} wartet auf Freigabe. "
        + "Diese Links stehen sonst nur in E-Mails:\n"
        + _mailed_links(now)
        + f"\n\nDie Tickets zeigt, in einem zweiten Fenster:\n  {_command_for_a_second_window()}\n\n"
    )


def _add_customer(number, name, domain, now):
    facts = {"number": number, "name": name, "email": f"post@{domain}", "mail_domain": domain}
    customer = customers.add(facts, now)
    if number == CUSTOMER_WITH_APPROVER:
        customers.add_approver(customer, APPROVER)
    return customer, pins.issue_pin(customer, now)


def _mailed_links(now):
    """Return the links that are otherwise only in mails: to a pending request, for its approver and its requester."""
    customer = customers.find(CUSTOMER_WITH_APPROVER)
    ticket = customer.tickets.order_by(Ticket.rank, Ticket.id).first()
    links = {
        f"Genehmigerin {APPROVER['name']}": access_links.for_approver(ticket, customer.approvers.get(), now),
        "Wer gefragt hat": access_links.for_customer(ticket, now),
    }
    return "\n".join(
        f"  {who}: {access_links.insert_token(access_links.placeholder_url(link), link)}" for who, link in links.items()
    )


def _command_for_a_second_window():
    if os.name == "nt":
        return f'$env:TICKET_DATA_DIR="{settings.data_dir}"; py start.py ticket liste'
    return f"TICKET_DATA_DIR={settings.data_dir} python3 start.py ticket liste"


def _requests(today):
    """Return the answers of the sample requests."""
    person = ("salutation", "first_name", "last_name", "position", "desired_email")
    employees = [(*row, today + timedelta(days=days), str(200 + days), REMARKS) for *row, days in EMPLOYEES]
    return [
        {"category": category} | dict(zip(names, row, strict=True))
        for category, names, rows in (
            (Category.INCIDENT, ("description", "priority"), INCIDENTS),
            (Category.WARRANTY, ("device", "serial_number", "order_reference", "description"), DEVICES),
            (Category.NEW_EMPLOYEE, (*person, "entry_date", "extension", "remarks"), employees),
            (Category.CALLBACK, ("description", "priority", "reference"), CALLBACKS),
            (Category.OTHER, ("description", "priority"), OTHERS),
        )
        for row in rows
    ]


def _send(position, answers, pin, now):
    submission_key = f"demo{position:018}"
    proof = pins.pin_proof(answers["customer_number"], pin)
    with_files = answers["category"] is not Category.NEW_EMPLOYEE
    if with_files and position % 3 == 0:
        attachments.stage(submission_key, [("Foto.png", io.BytesIO(_picture(position)))], "127.0.0.1", now)
    intake.receive(submission_key, answers, proof, with_files, "127.0.0.1", now)


def _picture(position):
    """Return a small PNG: 240 by 160 pixels of one colour with a stripe across."""
    colour, stripe = bytes((90 + 30 * position % 120, 120, 150)), b"\xf0\xf0\xf0"
    rows = b"".join(b"\x00" + (stripe if 60 < row < 80 else colour) * 240 for row in range(160))
    header = struct.pack(">IIBBBBB", 240, 160, 8, 2, 0, 0, 0)
    chunks = b"IHDR" + header, b"IDAT" + zlib.compress(rows), b"IEND"
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )
