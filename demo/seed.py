"""Sample customers and requests to try the portal with. They take the same way into the portal as real ones."""

import io
import os
import secrets
from datetime import timedelta
from typing import Any

import segno

from clock import TIME_ZONE
from demo import history
from enums import Category, Priority, Salutation
from models import TextBlock, Ticket
from services.background import worker
from services.customers import customers, pins
from services.files import attachments
from services.files.incoming import received
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

HISTORY_TICKETS, HISTORY_PERIOD = 600, timedelta(days=365)

CUSTOMERS = [
    ("K1001", "Bäckerei Sommer", "sommer.example.org"),
    ("K1002", "Steuerkanzlei Brandt & Partner", "brandt.example.org"),
    ("K1003", "Autohaus Nordring GmbH", "nordring.example.org"),
    ("K1004", "Zahnarztpraxis Dr. Yılmaz", "yilmaz.example.org"),
]

# The approver of the last customer.
APPROVER = {"name": "Mehtap Yılmaz", "email": "mehtap@yilmaz.example.org"}

PEOPLE = [
    ("Anna Sommer", "0211 555 0101"),
    ("Jonas Brandt", "0221 555 0122"),
    ("Deniz Aydın", "+49 231 555 0133"),
    ("Peter Krüger", "0172 555 0144"),
    ("Lea Hoffmann", "0201 555 0155-12"),
]

# The answers, by their category and names; of an entry date, the number of days until then.
REQUESTS: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {
    (Category.INCIDENT, "description", "priority"): [
        ("Der Drucker an der Theke zieht kein Papier mehr ein. Papierstau ist keiner zu sehen.", Priority.MEDIUM),
        ("Kein Internet im ganzen Haus seit 8:10\N{NO-BREAK SPACE}Uhr, auch die Telefone sind tot.", Priority.HIGH),
        ("Der Bildschirm am Empfang flackert und wird nach einer Minute schwarz.", Priority.MEDIUM),
        ("Beim Speichern auf Laufwerk S: erscheint „Zugriff verweigert“.", Priority.LOW),
        ("Die Kasse druckt keine Bons, die Lampe blinkt rot.", Priority.MEDIUM),
        ("Das Telefon am Platz 12 klingelt nicht, abheben und sprechen geht.", Priority.LOW),
        ("Auf dem Bildschirm steht „Ihre Dateien sind verschlüsselt“. Wir haben alles ausgeschaltet!", Priority.HIGH),
        ("Die Datensicherung meldet seit drei Tagen einen Fehler.", Priority.MEDIUM),
    ],
    (Category.WARRANTY, "device", "serial_number", "order_reference", "description"): [
        ("Notebook ThinkPad E16", "PF4X7Q2M", "AB-20417", "Der Akku lädt nicht mehr über 40 Prozent."),
        ("Drucker Brother HL-L5210DN", "", "RE-2026-0815", "Nach dem Einschalten nur ein Dauerton."),
        ("USV Eaton 5P 1150i", "G117K02233", "AB-19980", "Meldet „Batterie ersetzen“, ist aber erst ein Jahr alt."),
    ],
    (Category.NEW_EMPLOYEE, "salutation", "first_name", "last_name", "position", "desired_email", "entry_date"): [
        (Salutation.MS, "Clara", "Neumann", "Buchhaltung", "clara.neumann@example.org", 21),
        (Salutation.MR, "Tarek", "Aziz", "Serviceberater", "", 3),
        (Salutation.UNSTATED, "Kim", "Petersen", "Auszubildende Person im Empfang", "kim.petersen@example.org", 40),
    ],
    (Category.CALLBACK, "description", "priority", "reference"): [
        ("Wir überlegen, das Lager mit WLAN auszustatten, und hätten gern eine Einschätzung.", Priority.LOW, "Büro"),
        ("Bitte Termin für den Umzug der Telefonanlage abstimmen.", Priority.MEDIUM, "Büro"),
    ],
    (Category.OTHER, "description", "priority"): [
        ("Bitte zwei weitere Lizenzen für das Bildprogramm bestellen.", Priority.LOW),
        ("Die Sicherungsbänder sind voll, wohin mit den alten?", Priority.MEDIUM),
    ],
}
REMARKS = "Bitte Zugriff auf das Laufwerk der Abteilung."
# This request has a mistyped PIN, so that one is unmatched.
MISTYPED = 5

# Each between the same greeting and farewell.
TEXT_BLOCKS = {
    "Rückruf angekündigt": "wir rufen Sie zu Ihrer Anfrage {Vorgangsnummer} heute noch zurück.",
    "Bitte um ein Bildschirmfoto": "zu „{Kurztext}“ brauchen wir noch ein Bild: Bitte fotografieren Sie die Meldung "
    "und laden Sie das Foto auf der Seite Ihres Vorgangs hoch.",
    "Ersatzteil bestellt": "das Ersatzteil ist bestellt. Sobald es da ist, stimmen wir den Termin mit Ihnen ab.",
}


def add_sample_data(now, ticket_count=None):
    """Add the customers, some requests of the last days and a past; return the text that says how to try the portal.

    The past is a small one of a year, or `ticket_count` tickets of five years.
    """
    period = HISTORY_PERIOD if ticket_count is None else history.FIVE_YEARS
    history.add_history(ticket_count or HISTORY_TICKETS, now, period)
    access = {}
    for number, name, domain in CUSTOMERS:
        facts = {"number": number, "name": name, "email": f"post@{domain}", "mail_domain": domain}
        customer = customers.add(facts, now)
        access[customer] = pins.issue_pin(customer, now)
    customers.add_contact(customer, {**APPROVER, "is_approver": True})
    _send_requests(access, now)
    worker.run_once(now)
    for name, text in TEXT_BLOCKS.items():
        text = f"Guten Tag {{Name}},\n\n{text}\n\nViele Grüße\n{{Bearbeiter}}"
        text_blocks.save(TextBlock(), {"name": name, "text": text})
    member, password = accounts.find(history.STAFF[0]), secrets.token_urlsafe(12)
    accounts.set_password(member, password, now)
    ticket = customer.tickets.order_by(Ticket.rank, Ticket.id).first()
    for_approver = access_links.for_approver(ticket, customer.approvers.get(), now)
    python = '$env:TICKET_DATA_DIR="{}"; py' if os.name == "nt" else "TICKET_DATA_DIR={} python3"
    lines = (f"  Kundennummer {one.number}   PIN: {pins.spoken_pin(pin)}   {one.name}\n" for one, pin in access.items())
    return f"""
Beispielkunden zum Ausprobieren:
{"".join(lines)}
Die Verwaltung: {settings.url}/verwaltung/
  Name: {member.name}   Kennwort: {password}

Eine Anfrage von {customer.number} wartet auf Freigabe. Diese Links stehen sonst nur in E-Mails:
  Genehmigerin {APPROVER["name"]}: {_url(for_approver)}
  Wer gefragt hat: {_url(access_links.for_customer(ticket, now))}

Die Tickets zeigt, in einem zweiten Fenster:
  {python.format(settings.data_dir)} start.py ticket liste

"""


def _url(link):
    return access_links.insert_token(access_links.placeholder_url(link), link)


def _send_requests(access, now):
    """Send the sample requests, every other hour one, some with a picture."""
    today = now.astimezone(TIME_ZONE).date()
    requests = [(*kind, row) for kind, rows in REQUESTS.items() for row in rows]
    for position, (category, *names, row) in enumerate(requests):
        (customer, pin), (name, phone) = list(access.items())[position % len(access)], PEOPLE[position % len(PEOPLE)]
        answers = {"category": category, "customer_number": customer.number, "name": name, "phone": phone}
        answers |= dict(zip(names, row, strict=True))
        if days := answers.get("entry_date"):
            answers |= {"entry_date": today + timedelta(days=days), "extension": str(200 + days), "remarks": REMARKS}
        key, received_at = f"demo{position:018}", now - timedelta(hours=2 * (len(requests) - position))
        with_files = category is not Category.NEW_EMPLOYEE
        if with_files and position % 3 == 0:
            picture = io.BytesIO()
            segno.make(key).save(picture, kind="png", scale=8)
            with received(picture.getvalue()) as file:
                attachments.stage(key, [("Foto.png", file)], "127.0.0.1", received_at)
        proof = pins.pin_proof(customer.number, "00000000" if position == MISTYPED else pin)
        intake.receive(key, answers, proof, 0 if with_files else None, "127.0.0.1", received_at)
