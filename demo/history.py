"""A made-up past for the demo and the benchmark: some hundred tickets, or a million in a few minutes.

Its rows are inserted directly, because admitting a million submissions would take days.
"""

import random
import string
from datetime import datetime, time, timedelta
from itertools import accumulate, islice
from typing import NamedTuple

from peewee import fn

import enums
from clock import TIME_ZONE
from database import UTCDateTimeField, database, transaction
from enums import PORTAL_ACTOR, Approval, Category, EventKind, Priority, SubmissionState, TicketStatus, UnmatchedReason
from models import ChecklistItem, Contact, Customer, Event, Staff, Submission, Ticket, TicketWords
from services import search
from services.intake import intake
from services.staff import accounts
from services.tickets import approvals, new_employee

FIVE_YEARS = timedelta(days=5 * 365)
BATCH_TICKETS = 5000
MIN_CUSTOMERS, TICKETS_PER_CUSTOMER = 42, 2500
UNMATCHED_REASONS = 2 * (UnmatchedReason.WRONG_PIN, UnmatchedReason.UNKNOWN_NUMBER, UnmatchedReason.FORMER_PIN)
UNMATCHED_COUNT = len(UNMATCHED_REASONS)

OPENING_HOUR, CLOSING_HOUR, BUSIEST_HOUR = 7, 18, 9.5
WEEKDAY_WEIGHTS = (1.5, 1.1, 1, 1, 0.8, 0.06, 0.03)
CATEGORIES, CATEGORY_WEIGHTS = list(Category), (55, 10, 8, 15, 12)
PRIORITIES, PRIORITY_WEIGHTS = list(Priority), (60, 30, 10)

# Median hours until a member of staff takes over, and of each later step.
MEDIAN_HOURS = {Priority.HIGH: (0.3, 3), Priority.MEDIUM: (2, 16), Priority.LOW: (6, 50)}
MEDIAN_APPROVAL_HOURS, MAX_HOURS = 30, 9 * 24
DECLINED_SHARE = 0.06

PATHS = {  # with their weights
    (EventKind.STARTED, EventKind.DONE): 72,
    (EventKind.STARTED, EventKind.ANSWERED, EventKind.WAITING, EventKind.REPLIED, EventKind.DONE): 25,
    (EventKind.STARTED, EventKind.CANCELLED): 3,
}
STATUS_AFTER = {kind: TicketStatus(kind.value) for kind in (EventKind.WAITING, EventKind.DONE, EventKind.CANCELLED)}
STATUS_AFTER |= dict.fromkeys((EventKind.STARTED, EventKind.REPLIED), TicketStatus.IN_PROGRESS)
MINUTES = (5, 10, 15, 20, 30, 45, 60, 90)

TRADES = ["Malerbetrieb", "Tischlerei", "Apotheke", "Hausverwaltung", "Spedition", "Druckerei", "Metallbau", "Kanzlei"]
TOWNS = ["", " Neuss", " Ratingen", " am Rhein", " & Söhne", " & Partner", " GmbH", " KG"]
FIRST_NAMES = ["Birgit", "Emre", "Georg", "Hülya", "Ivana", "Jörg", "Małgorzata", "Nils", "Olga", "Thủy", "Zoë"]
MEN = {"Emre", "Georg", "Jörg", "Nils"}
LAST_NAMES = ["Becker", "Çelik", "Engels", "Groß", "Ivanović", "Köhler", "Müller", "Nowak", "Özdemir", "Voß", "Weiß"]
STAFF = ["Miriam Vogt", "Tobias Kern", "Selma Aydın"]
PLACES = ["am Empfang", "in der Buchhaltung", "im Lager", "im ersten Stock", "in Büro {number}", "an Platz {number}"]
POSITIONS = ["Buchhaltung", "Ausbildung", "Vertrieb", "Einkauf", "Empfang"]

DEFECTS = {
    "Notebook ThinkPad E16": ["Der Akku lädt nur bis {number} Prozent.", "Der Bildschirm bleibt dunkel."],
    "Drucker Kyocera ECOSYS P3145": ["Zieht aus Fach 2 kein Papier ein.", "Druckt auf jede Seite graue Streifen."],
    "Monitor Eizo EV2480": ["Geht nach etwa {number} Minuten aus.", "Am linken Rand steht ein heller Streifen."],
    "USV Eaton 5P 1150i": ["Meldet „Batterie ersetzen“.", "Hält bei Stromausfall keine {number} Sekunden."],
}

# A description has one phrase of each list.
DESCRIPTIONS = {
    Category.INCIDENT: [
        [
            "Der Drucker {place} meldet Papierstau, es steckt aber kein Papier fest.",
            "Der Drucker {place} druckt nur die Hälfte jeder Seite.",
            "Der Rechner {place} startet erst nach {number} Minuten.",
            "Der Bildschirm {place} bleibt schwarz.",
            "Das Telefon {place} klingelt nicht.",
            "Am Rechner {place} fehlt das Laufwerk S (Fehler {number}).",
            "Der Scanner {place} bricht nach {number} Seiten ab.",
        ],
        [
            "Ein Neustart hat nicht geholfen.",
            "Gestern ging es noch.",
            "Das ist seit heute Morgen so.",
            "Bitte anrufen.",
        ],
    ],
    Category.CALLBACK: [["Wir haben eine Frage zu Position {number} der Rechnung.", "Es geht um den Umzug im Haus."]],
    Category.OTHER: [
        ["Bitte richten Sie den neuen Drucker {place} ein.", "Bitte stellen Sie Konto {number} auf MFA um."]
    ],
}

EVENT_TEXTS = {
    EventKind.ANSWERED: ["Wir sehen uns das gern vor Ort an. Wann passt es Ihnen?", "Wann können wir Sie anrufen?"],
    EventKind.REPLIED: ["Morgen Vormittag passt gut.", "Am besten vor 9 Uhr.", "Diese Woche jederzeit."],
    EventKind.DONE: ["Erledigt, wie am Telefon besprochen.", "Vor Ort erledigt.", "Aus der Ferne erledigt."],
    EventKind.CANCELLED: ["Hat sich erledigt.", "Doppelt gemeldet.", "Auf Wunsch des Kunden."],
    EventKind.DECLINED: ["Das hat Zeit bis zum nächsten Quartal.", "Das machen wir selbst."],
}

# The length of the alphabet, the prime 31, does not divide it; therefore different ids get different codes.
CODE_STEP = 538_297_204_961


class Company(NamedTuple):
    """A customer with what its requests name: the people who send them, and places."""

    customer: Customer
    people: list[Contact]
    places: list[str] = PLACES


def add_history(count, now, period=FIVE_YEARS, companies=(), seed=2026):
    """Add staff, unmatched submissions and `count` tickets of the period that ends now, of companies and made-up ones.

    Small pasts have no made-up companies if others are given. The same arguments give the same rows.
    """
    rng, now = random.Random(seed), now.astimezone(TIME_ZONE)  # noqa: S311
    with transaction():
        # No password has this hash.
        account = {"password_hash": "!", "created_at": now - period}
        staff = [Staff.create(login=accounts.normalise_login(name), name=name, **account) for name in STAFF]
        Staff.update(role=enums.StaffRole.LEAD).where(Staff.id == staff[0].id).execute()
        made_up = count // TICKETS_PER_CUSTOMER + (0 if companies else MIN_CUSTOMERS)
        companies = [*companies, *(_add_company(rng, 20001 + place, now - period) for place in range(made_up))]
        # A few customers send most of the requests.
        shares = list(accumulate(1 / (place + 4) for place in range(len(companies))))
        first_id = (Submission.select(fn.MAX(Submission.id)).scalar() or 0) + 1
        stories = (
            _Story(rng, now, id, at, rng.choices(companies, cum_weights=shares)[0], rng.choice(staff))
            for id, at in enumerate(arrivals(rng, count, now, period), first_id)
        )
        while batch := list(islice(stories, BATCH_TICKETS)):
            _insert(Submission, (story.submission.__data__ for story in batch))
            _insert(Ticket, (story.ticket.__data__ for story in batch))
            _insert(TicketWords, (search.index_row(story.ticket) for story in batch))
            _insert(Event, (event for story in batch for event in story.events))
            _insert(ChecklistItem, (item for story in batch for item in story.checklist))
        for place, reason in enumerate(UNMATCHED_REASONS):
            received_at = now - timedelta(days=UNMATCHED_COUNT - place)
            submission = _submission(rng, first_id + count + place, received_at, rng.choice(companies))
            submission.state, submission.unmatched_reason = SubmissionState.UNMATCHED, reason
            submission.address = "127.0.0.1"
            if reason is UnmatchedReason.UNKNOWN_NUMBER:
                submission.customer_number = f"K{70001 + place}"
            submission.save(force_insert=True)


class _Story:
    """One ticket, with its submission and what happens to it until now."""

    def __init__(self, rng, now, id, received_at, company, member):
        self.rng, self.now, self.at, self.member = rng, now, received_at, member
        self.submission, self.events, self.checklist = _submission(rng, id, received_at, company), [], []
        self.ticket = Ticket(id=id, submission=self.submission, customer=company.customer, created_at=received_at)
        self.ticket.category, self.ticket.rank = self.submission.category, self.submission.priority.rank
        self.ticket.due_on = self.submission.entry_date
        self.ticket.lead_time_missed = intake.lead_time_missed(self.submission)
        self._add(EventKind.OPENED, PORTAL_ACTOR, intake.MATCHED)
        approver = next((person.name for person in company.people if person.is_approver), None)
        if approver is None or self._is_approved(approver):
            self._work()

    def _is_approved(self, approver):
        """Let the approver be asked, reminded and decide, and say whether they approved."""
        remind_at, sent = approvals.reminder_after(self.ticket, self.at, sent=0), 0
        self._add(EventKind.ASKED, PORTAL_ACTOR, approver, approval=Approval.PENDING, remind_at=remind_at)
        self._wait(MEDIAN_APPROVAL_HOURS)
        decided_at = self.at
        while remind_at and remind_at < decided_at:
            self.at, sent = remind_at, sent + 1
            remind_at = approvals.reminder_after(self.ticket, remind_at, sent)
            self._add(EventKind.REMINDED, PORTAL_ACTOR, approver, reminders=sent, remind_at=remind_at)
        self.at = decided_at
        decision = Approval.DECLINED if self.rng.random() < DECLINED_SHARE else Approval.APPROVED
        self._add(approvals.BY_LINK[decision], approver, approval=decision, remind_at=None, reminders=0)
        if decision is Approval.DECLINED:
            self._add(EventKind.CANCELLED, approver, approvals.NOT_APPROVED)
        return self.ticket.approval is Approval.APPROVED

    def _work(self):
        """Let a member of staff do the work; for a new employee it goes on the day before the entry."""
        first_hours, hours = MEDIAN_HOURS[self.submission.priority]
        self._wait(first_hours)
        self._add(EventKind.TAKEN_OVER, self.member.name, assignee=self.member, first_action_at=self.at)
        for kind in self.rng.choices(list(PATHS), PATHS.values())[0]:
            self._add(kind, self.ticket.customer.name if kind is EventKind.REPLIED else self.member.name)
            if kind is EventKind.ANSWERED:
                continue
            if entry := self.submission.entry_date:
                self.at = max(self.at, datetime.combine(entry - timedelta(days=1), time(15), TIME_ZONE))
            self._wait(hours)

    def _wait(self, hours):
        """Advance to a moment in working hours, about this many hours later."""
        self.at += timedelta(hours=min(hours * self.rng.lognormvariate(0, 0.9), MAX_HOURS))
        if not OPENING_HOUR <= self.at.hour < CLOSING_HOUR:
            self.at = self.at.replace(hour=OPENING_HOUR) + timedelta(days=self.at.hour >= CLOSING_HOUR)
        if self.at.weekday() >= 5:
            self.at += timedelta(days=7 - self.at.weekday())

    def _add(self, kind, actor, text="", **changes):
        """Record an event and how it changes the ticket, unless it lies in the future."""
        if self.at > self.now:
            return
        if kind in EVENT_TEXTS:
            text = text or self.rng.choice(EVENT_TEXTS[kind])
        event = {"ticket": self.ticket.id, "at": self.at, "kind": kind, "actor": actor, "text": text}
        if kind in (EventKind.ANSWERED, EventKind.DONE):
            event["minutes"] = self.rng.choice(MINUTES)
        self.events.append(event)
        if kind is EventKind.DONE:
            done = {"ticket": self.ticket.id, "done_at": self.at, "done_by": actor}
            self.checklist = [done | {"name": step} for step in new_employee.steps(self.ticket)]
        if kind in (EventKind.REPLIED, EventKind.DONE, EventKind.CANCELLED):
            changes["replied_at"] = self.at if kind is EventKind.REPLIED else None
        if status := STATUS_AFTER.get(kind):
            changes |= {"status": status, "closed_at": None if status in enums.OPEN_STATUSES else self.at}
        for name, value in changes.items():
            setattr(self.ticket, name, value)


def arrivals(rng, count, now, period):
    """Return when the requests come in, oldest first: in working hours, most on Mondays, more from year to year."""
    midnight = datetime.combine(now, time(), TIME_ZONE)
    days = [midnight - timedelta(days=ago) for ago in range(period.days, -1, -1)]
    weights = [WEEKDAY_WEIGHTS[day.weekday()] * (1 + place / len(days)) for place, day in enumerate(days)]
    hours = (rng.triangular(OPENING_HOUR, CLOSING_HOUR, BUSIEST_HOUR) for _ in range(count))
    moments = map(datetime.__add__, rng.choices(days, weights, k=count), (timedelta(hours=hour) for hour in hours))
    # Requests of later today are moved back by a week.
    return sorted(moment - timedelta(days=7 * (moment > now)) for moment in moments)


def _submission(rng, id, received_at, company):
    person, customer = rng.choice(company.people), company.customer
    submission = Submission(id=id, draft=f"made{id:018}", code=_code(id), received_at=received_at)
    submission.state, submission.customer_number = SubmissionState.ADMITTED, customer.number
    submission.name, submission.phone, submission.email = person.name, person.phone, person.email
    submission.category = rng.choices(CATEGORIES, CATEGORY_WEIGHTS)[0]
    submission.reference = f"PO-{rng.randint(10000, 99999)}" if rng.random() < 0.3 else ""
    if submission.category is Category.NEW_EMPLOYEE:
        submission.first_name, submission.last_name = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        submission.salutation = enums.Salutation.MR if submission.first_name in MEN else enums.Salutation.MS
        submission.extension = str(rng.randint(10, 99))
        submission.desired_email = f"platz{submission.extension}@{customer.mail_domain}" if rng.random() < 0.7 else ""
        submission.position = rng.choice(POSITIONS)
        submission.entry_date = received_at.date() + timedelta(days=rng.randint(3, 45))
        return submission
    phrases = DESCRIPTIONS.get(submission.category, [])
    if submission.category is Category.WARRANTY:
        submission.device = rng.choice(list(DEFECTS))
        phrases = [DEFECTS[submission.device]]
        submission.serial_number = "".join(rng.choices(string.ascii_uppercase + string.digits, k=10))
        submission.order_reference = f"AB-{rng.randint(10000, 99999)}"
    text = " ".join(map(rng.choice, phrases)).replace("{place}", rng.choice(company.places))
    submission.description = text.replace("{number}", str(rng.randint(2, 30)))
    submission.priority = rng.choices(PRIORITIES, PRIORITY_WEIGHTS)[0]
    return submission


def _code(id):
    number, alphabet = id * CODE_STEP, enums.CODE_ALPHABET
    return "".join(alphabet[number // len(alphabet) ** place % len(alphabet)] for place in range(enums.CODE_LENGTH))


def _add_company(rng, number, since):
    """Add a customer without a PIN; every third has an approver."""
    last_name, domain = rng.choice(LAST_NAMES), f"kunde{number}.example.org"
    customer = Customer.create(
        number=f"K{number}",
        name=f"{rng.choice(TRADES)} {last_name}{rng.choice(TOWNS)}",
        mail_domain=domain,
        fully_managed=rng.random() < 0.8,
        created_at=since,
    )
    owner = {"name": f"{rng.choice(FIRST_NAMES)} {last_name}", "email": f"post@{domain}", "is_main": True}
    colleague = {"name": f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}", "email": f"team@{domain}"}
    phone = f"0{rng.randint(201, 299)} 555 {rng.randint(100, 999)}"
    owner |= {"phone": f"{phone}1", "is_approver": number % 3 == 0}
    people = [Contact.create(customer=customer, **one) for one in (owner, colleague | {"phone": f"{phone}2"})]
    return Company(customer, people)


def _insert(model, rows):
    """Insert rows, given as dictionaries, with one statement that is prepared only once."""
    fields = model._meta.sorted_fields
    sql, _ = model.insert_many([[None] * len(fields)], fields).sql()
    blank = {field.name: field.default for field in fields}
    # SQLite takes all other values as they are.
    moments = {field.name: field.db_value for field in fields if isinstance(field, UTCDateTimeField)}

    def values_of(row):
        values = blank | row
        for name, convert in moments.items():
            values[name] = convert(values[name])
        return list(values.values())

    database.connection().executemany(sql, map(values_of, rows))
