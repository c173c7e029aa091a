"""Sample customers and requests to try the portal with. They take the same way into the portal as real ones."""

import io
import random
import secrets
import sys
from datetime import timedelta
from typing import Any

import segno

from clock import TIME_ZONE
from demo import history
from enums import Approval, Category, Priority, Salutation
from models import Event, Submission, TextBlock, Ticket
from services.background import worker
from services.customers import customers, pins
from services.files import attachments
from services.files.incoming import received
from services.intake import intake
from services.mail import access_links
from services.staff import accounts
from services.tickets import actions, conversation, new_employee, text_blocks
from settings import settings

# The sample customers get no mails.
DEMO_ENVIRONMENT = {"TICKET_SMTP_URL": "", "TICKET_WEBHOOK_URL": ""}

DEMO_OFFICE = {
    "office_name": "Muster-IT",
    "office_email": "support@muster-it.example",
    "office_phone": "0211 555000",
    "office_street": "Musterstraße 12",
    "office_postcode": "40210",
    "office_town": "Düsseldorf",
}

HISTORY_TICKETS, HISTORY_PERIOD = 600, timedelta(days=365)

CUSTOMER_COLUMNS = ("number", "name", "mail_domain", "phone", "street", "postcode", "town", "note")
CUSTOMERS = """\
K1001|Bäckerei Sommer|sommer.example.org|0211 555 0100|Lindenweg 4|40213|Düsseldorf|Bitte nachmittags anrufen.
K1002|Steuerkanzlei Brandt & Partner|brandt.example.org|0221 555 0120|Domstraße 31|50668|Köln|Wartung nur abends.
K1003|Autohaus Nordring GmbH|nordring.example.org|0231 555 0130|Nordring 118|44147|Dortmund|Schlüssel beim Pförtner.
K1004|Zahnarztpraxis Dr. Yılmaz|yilmaz.example.org|0201 555 0150|Ruhrallee 77|45138|Essen|Mittwochs nur vormittags.
"""
# The people of each, the first of whom gets the mails, and places.
PEOPLE = {
    "K1001": (["Anna Sommer", "Murat Kaya"], ["in der Backstube", "hinter der Theke", "im Büro"]),
    "K1002": (["Jonas Brandt", "Silke Hartmann", "Lea Hoffmann"], ["im Sekretariat", "im Besprechungsraum"]),
    "K1003": (["Deniz Aydın", "Peter Krüger", "Sandra Wolf"], ["in der Werkstatt", "im Teilelager", "im Verkauf"]),
    "K1004": (["Katrin Lorenz", "Mehtap Yılmaz"], ["an der Anmeldung", "in Behandlungszimmer 2", "im Röntgenraum"]),
}
APPROVER = "Mehtap Yılmaz"
# Without a PIN: it has not asked for anything yet.
NEW_CUSTOMER = {"number": "K1005", "name": "Buchhandlung Lesezeit"}

# The answers, by their category and names, with the person who sends them; of an entry date, the days until then.
REQUESTS: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {
    (Category.INCIDENT, "description", "priority"): [
        ("Anna Sommer", "Der Bondrucker an der Theke zieht kein Papier mehr ein.", Priority.MEDIUM),
        ("Deniz Aydın", "Seit zehn Minuten hat das ganze Haus kein Internet und kein Telefon.", Priority.HIGH),
        ("Katrin Lorenz", "Der Bildschirm an der Anmeldung flackert und wird dann schwarz.", Priority.MEDIUM),
        ("Lea Hoffmann", "Beim Speichern auf Laufwerk S: erscheint „Zugriff verweigert“.", Priority.LOW),
        ("Murat Kaya", "Die Kasse druckt keine Bons, die Lampe blinkt rot.", Priority.MEDIUM),
        ("Peter Krüger", "Das Telefon im Teilelager klingelt nicht. Anrufen können wir damit.", Priority.LOW),
        ("Silke Hartmann", "Auf einem Rechner steht „Ihre Dateien sind verschlüsselt“.", Priority.HIGH),
        ("Jonas Brandt", "Die Datensicherung meldet seit drei Tagen einen Fehler.", Priority.MEDIUM),
    ],
    (Category.WARRANTY, "device", "serial_number", "order_reference", "description"): [
        ("Katrin Lorenz", "USV Eaton 5P 1150i", "G117K02233", "AB-19980", "Meldet „Batterie ersetzen“."),
        ("Anna Sommer", "Drucker Brother HL-L5210DN", "", "RE-2026-0815", "Nach dem Einschalten nur ein Dauerton."),
        ("Lea Hoffmann", "Notebook ThinkPad E16", "PF4X7Q2M", "AB-20417", "Der Akku lädt nur bis 40 Prozent."),
    ],
    (Category.NEW_EMPLOYEE, "salutation", "first_name", "last_name", "position", "desired_email", "entry_date"): [
        ("Silke Hartmann", Salutation.MS, "Clara", "Neumann", "Lohnabrechnung", "clara.neumann@brandt.example.org", 21),
        ("Katrin Lorenz", Salutation.UNSTATED, "Kim", "Petersen", "Anmeldung", "kim.petersen@yilmaz.example.org", 40),
        ("Sandra Wolf", Salutation.MR, "Tarek", "Aziz", "Serviceberatung", "", 3),
    ],
    (Category.CALLBACK, "description", "priority", "reference"): [
        ("Katrin Lorenz", "Wir möchten ein zweites Röntgengerät ans Netz anschließen.", Priority.LOW, "Röntgen"),
        ("Deniz Aydın", "Wann können Sie unsere Telefonanlage umziehen?", Priority.MEDIUM, "Umzug"),
    ],
    (Category.OTHER, "description", "priority"): [
        ("Murat Kaya", "Bitte richten Sie auf dem neuen Tablet die Bestell-App ein.", Priority.MEDIUM),
        ("Jonas Brandt", "Bitte bestellen Sie zwei weitere Lizenzen für Adobe Acrobat.", Priority.LOW),
    ],
}
REMARKS = "Bitte Zugriff auf das Laufwerk der Abteilung."
# This request has a mistyped PIN, so that one is unmatched.
MISTYPED = 5

QUESTION = "Guten Tag, die Lizenzen bestellen wir gern. Soll die Rechnung wieder an die Kanzlei gehen?"
# Nobody else changes a ticket while the demo is made.
ALL_SEEN = sys.maxsize

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
    access, companies = {}, []
    for line in CUSTOMERS.splitlines():
        facts = dict(zip(CUSTOMER_COLUMNS, line.split("|"), strict=True))
        customer = customers.add(facts, now - period)
        access[customer] = pins.issue_pin(customer, now - period)
        names, places = PEOPLE[customer.number]
        people = [_add_contact(customer, name, place) for place, name in enumerate(names, 1)]
        companies.append(history.Company(customer, people, places))
    customers.add(NEW_CUSTOMER, now)
    history.add_history(ticket_count or HISTORY_TICKETS, now, period, companies)
    member, password = accounts.find(history.STAFF[0]), secrets.token_urlsafe(12)
    accounts.set_password(member, password, now)
    _send_requests(access, now)
    worker.run_once(now)
    _work(member, now)
    for name, text in TEXT_BLOCKS.items():
        text = f"Guten Tag {{Name}},\n\n{text}\n\nViele Grüße\n{{Bearbeiter}}"
        text_blocks.save(TextBlock(), {"name": name, "text": text})
    ticket = Ticket.with_details().where(Ticket.approval == Approval.PENDING).order_by(Ticket.id.desc()).first()
    for_approver = access_links.for_approver(ticket, ticket.customer.approvers.get(), now)
    lines = (f"  Kundennummer {one.number}   PIN: {pins.spoken_pin(pin)}   {one.name}\n" for one, pin in access.items())
    return f"""
Die Beispieldaten liegen bis zum Ende in {settings.data_dir}

Beispielkunden zum Ausprobieren:
{"".join(lines)}
Die Verwaltung: {settings.url}/verwaltung/
  Name: {member.name}   Kennwort: {password}

Eine Anfrage von {ticket.customer.number} wartet auf Freigabe. Diese Links stehen sonst nur in E-Mails:
  Genehmigerin {APPROVER}: {_url(for_approver)}
  Wer gefragt hat: {_url(access_links.for_customer(ticket, now))}

"""


def _add_contact(customer, name, place):
    email, phone = f"{name.split()[0].lower()}@{customer.mail_domain}", f"{customer.phone[:-1]}{place}"
    facts = {"name": name, "email": email, "phone": phone, "is_main": place == 1, "is_approver": name == APPROVER}
    return customers.add_contact(customer, facts)


def _url(link):
    return access_links.insert_token(access_links.placeholder_url(link), link)


def _send_requests(access, now):
    """Send the sample requests of the last days, some with a picture."""
    today = now.astimezone(TIME_ZONE).date()
    people = {person.name: (customer, pin, person) for customer, pin in access.items() for person in customer.contacts}
    requests = [(*kind, row) for kind, rows in REQUESTS.items() for row in rows]
    moments = history.arrivals(random.Random(1), len(requests), now.astimezone(TIME_ZONE), timedelta(days=2))  # noqa: S311
    for position, ((category, *names, (name, *row)), received_at) in enumerate(zip(requests, moments, strict=True)):
        customer, pin, person = people[name]
        answers = {"category": category, "customer_number": customer.number, "name": name, "phone": person.phone}
        answers |= {"email": person.email} | dict(zip(names, row, strict=True))
        if days := answers.get("entry_date"):
            answers |= {"entry_date": today + timedelta(days=days), "extension": str(200 + days), "remarks": REMARKS}
        key = f"demo{position:018}"
        with_files = category is not Category.NEW_EMPLOYEE
        if with_files and position % 3 == 0:
            picture = io.BytesIO()
            segno.make(key).save(picture, kind="png", scale=8)
            with received(picture.getvalue()) as file:
                attachments.stage(key, [("Foto.png", file)], "127.0.0.1", received_at)
        proof = pins.pin_proof(customer.number, "00000000" if position == MISTYPED else pin)
        intake.receive(key, answers, proof, 0 if with_files else None, "127.0.0.1", received_at)


def _work(member, now):
    """Let somebody of the office work on the last request of each kind, but leave the incident as it is."""
    sent = Ticket.with_details().where(Submission.draft.startswith("demo")).order_by(Ticket.id)
    last = {ticket.category: ticket for ticket in sent}
    for ticket in sent:
        # The worker has just opened all of them.
        ticket.created_at = ticket.submission.received_at
        ticket.save(only=[Ticket.created_at])
        Event.update(at=ticket.created_at).where(Event.ticket == ticket).execute()
    defect, entry, call, order = (last[kind] for kind in list(Category)[1:])
    conversation.answer(order, member, ALL_SEEN, now, QUESTION, "demo-answer", minutes=5, then_wait=True)
    conversation.reply(access_links.for_customer(order, now), "demo-reply", "Ja, bitte wie beim letzten Mal.", 0, now)
    actions.take_over(defect, member, ALL_SEEN, now)
    conversation.add_note(defect, member, now, "Der Akku ist bestellt.", "demo-note", minutes=15)
    next_week = now.astimezone(TIME_ZONE).date() + timedelta(days=7)
    actions.follow_up(defect, member, ALL_SEEN, now, next_week, "Akku einbauen")
    actions.follow_up(call, member, ALL_SEEN, now, next_week, "Termin mit dem Anbieter")
    actions.start(entry, member, ALL_SEEN, now)
    new_employee.check(entry, member, now, "account")
