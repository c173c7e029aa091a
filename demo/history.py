"""A made-up past for the demo and the benchmark: some hundred tickets, or a million, in few minutes.

The rows do not come in by the front door; that would take days. They tell stories that the verbs of a ticket admit.
"""

import random
import string
from collections import Counter
from datetime import datetime, time, timedelta
from itertools import accumulate, islice
from operator import itemgetter
from types import SimpleNamespace

import enums
from clock import TIME_ZONE
from database import database, transaction
from demo import phrases
from enums import (
    CODE_ALPHABET,
    CODE_LENGTH,
    Approval,
    Category,
    Channel,
    EventKind,
    Priority,
    Salutation,
    SubmissionState,
    TicketStatus,
    UnmatchedReason,
)
from models import Approver, Customer, Event, Staff, Submission, Ticket, TicketWords
from services import search
from services.intake import intake
from services.staff import accounts
from services.tickets import approvals

FIVE_YEARS = timedelta(days=5 * 365)

# So many tickets are in memory at a time.
BATCH_TICKETS = 5000

# No password has this hash.
UNUSABLE_PASSWORD_HASH = "!"  # noqa: S105

MIN_CUSTOMERS, TICKETS_PER_CUSTOMER = 42, 2500
UNMATCHED_COUNT = 6

WEEKDAY_WEIGHTS = (1.5, 1.1, 1, 1, 0.8, 0.06, 0.03)
OPENING_HOUR, CLOSING_HOUR, BUSIEST_HOUR = 7, 18, 9.5
CATEGORY_WEIGHTS = {
    Category.INCIDENT: 55,
    Category.WARRANTY: 10,
    Category.NEW_EMPLOYEE: 8,
    Category.CALLBACK: 15,
    Category.OTHER: 12,
}
PRIORITY_WEIGHTS = {Priority.HIGH: 10, Priority.MEDIUM: 30, Priority.LOW: 60}

# Hours to the first action and on to the end, as they are in the middle.
MEDIAN_HOURS = {Priority.HIGH: (0.3, 3), Priority.MEDIUM: (2, 16), Priority.LOW: (6, 50)}
MEDIAN_APPROVAL_HOURS = 30
LONGEST_HOURS = 9 * 24

# The number of signs, 31, does not divide it: so no two ids are given the same code.
CODE_STEP = 538_297_204_961

STATUS_AFTER = {
    EventKind.STARTED: TicketStatus.IN_PROGRESS,
    EventKind.STARTED_EARLY: TicketStatus.IN_PROGRESS,
    EventKind.WAITING: TicketStatus.WAITING,
    EventKind.DONE: TicketStatus.DONE,
    EventKind.CANCELLED: TicketStatus.CANCELLED,
}
APPROVAL_AFTER = {
    kind: approval for kinds in (approvals.BY_LINK, approvals.ON_BEHALF) for approval, kind in kinds.items()
}

SUBMISSION_DEFAULTS = {field.name: field.default for field in Submission._meta.sorted_fields}


def add_history(count, now, period=FIVE_YEARS, seed=2026):
    """Add made-up customers, staff, unmatched submissions and so many tickets of the period that ends now.

    The same arguments give the same rows.
    """
    rng = random.Random(seed)  # noqa: S311
    with transaction():
        customers = _add_customers(rng, MIN_CUSTOMERS + count // TICKETS_PER_CUSTOMER, now - period)
        maker = _RowGenerator(rng, now, _add_staff(now - period), customers)
        first_id = (Submission.select(Submission.id).order_by(Submission.id.desc()).limit(1).scalar() or 0) + 1
        arrivals = enumerate(_arrivals(rng, count, maker.now, period), start=first_id)
        stories = (maker.ticket_rows(id, received_at) for id, received_at in arrivals)
        while chunk := list(islice(stories, BATCH_TICKETS)):
            for model, rows in zip((Submission, Ticket, TicketWords, Event), zip(*chunk, strict=True), strict=True):
                _insert(model, [row for rows_of_one in rows for row in rows_of_one])
        _insert(
            Submission,
            [maker.unmatched(first_id + count + place, UNMATCHED_COUNT - place) for place in range(UNMATCHED_COUNT)],
        )


class _RowGenerator:
    """Invents who reports what, and what becomes of it until now."""

    def __init__(self, rng, now, staff, customers):
        self.rng, self.now, self.staff, self.customers = rng, now.astimezone(TIME_ZONE), staff, customers
        # A few customers send most of the reports.
        self._shares = list(accumulate(1 / (place + 4) for place in range(len(customers))))

    def ticket_rows(self, id, received_at):
        """Return the rows of one ticket: submission, ticket, words and events, each as a list."""
        (customer,) = self.rng.choices(self.customers, cum_weights=self._shares)
        submission = self._submission(id, received_at, customer) | {"state": SubmissionState.ADMITTED}
        events = [event for event in self._events(submission, customer) if event["at"] <= self.now]
        for event in events:
            event["ticket"] = id
        ticket = self._ticket(id, submission, customer, events)
        search_row = search.index_row(
            SimpleNamespace(
                id=id,
                submission=SimpleNamespace(**submission),
                customer=customer,
                is_open=ticket["closed_at"] is None,
                status=ticket["status"],
            )
        )
        return [submission], [ticket], [search_row], events

    def unmatched(self, id, days_ago):
        """Return the row of a submission that found no customer."""
        rng = self.rng
        submission = self._submission(id, self.now - timedelta(days=days_ago), rng.choice(self.customers))
        reason = rng.choice([UnmatchedReason.WRONG_PIN, UnmatchedReason.UNKNOWN_NUMBER, UnmatchedReason.FORMER_PIN])
        if reason is UnmatchedReason.UNKNOWN_NUMBER:
            submission["customer_number"] = f"K{rng.randint(70000, 99999)}"
        kept = {"channel": Channel.WEB, "address": "127.0.0.1", "state": SubmissionState.UNMATCHED}
        return submission | kept | {"unmatched_reason": reason}

    def _submission(self, id, received_at, customer):
        rng = self.rng
        first_name, last_name = rng.choice(phrases.FIRST_NAMES), rng.choice(phrases.LAST_NAMES)
        category = _weighted_choice(rng, CATEGORY_WEIGHTS)
        sent = SUBMISSION_DEFAULTS | {
            "id": id,
            "draft": f"made{id:018}",
            "code": _code(id),
            "received_at": received_at,
            "channel": Channel.PHONE if rng.random() < 0.04 else Channel.WEB,
            "customer_number": customer.number,
            "name": f"{first_name} {last_name}",
            "phone": f"0{rng.randint(201, 299)} 555 {rng.randint(1000, 9999)}",
            "category": category,
        }
        reference = f"{rng.choice(('PO', 'RE', 'INT'))}-{rng.randint(10000, 99999)}" if rng.random() < 0.3 else ""
        return sent | {"reference": reference} | self._answers(category, received_at, customer)

    def _answers(self, category, received_at, customer):
        rng = self.rng
        if category is Category.NEW_EMPLOYEE:
            return self._new_employee_answers(received_at, customer)
        answers = {"priority": _weighted_choice(rng, PRIORITY_WEIGHTS)}
        if category is Category.INCIDENT:
            parts = (phrases.THINGS, phrases.PLACES, phrases.SYMPTOMS, phrases.TRIED)
            answers["description"] = self._sentence(*parts)
        elif category is Category.WARRANTY:
            answers["description"] = self._sentence(phrases.DEFECTS, phrases.TRIED)
            answers["device"] = rng.choice(phrases.DEVICES)
            answers["serial_number"] = "".join(rng.choices(string.ascii_uppercase + string.digits, k=10))
            answers["order_reference"] = f"AB-{rng.randint(10000, 99999)}"
        else:
            answers["description"] = self._sentence(
                phrases.CALLBACKS if category is Category.CALLBACK else phrases.OTHERS
            )
        return answers

    def _new_employee_answers(self, received_at, customer):
        rng = self.rng
        first_name, last_name = rng.choice(phrases.FIRST_NAMES), rng.choice(phrases.LAST_NAMES)
        extension = str(rng.randint(10, 99))
        return {
            "salutation": rng.choice(list(Salutation)),
            "first_name": first_name,
            "last_name": last_name,
            "extension": extension,
            "desired_email": f"platz{extension}@{customer.mail_domain}" if rng.random() < 0.7 else "",
            "position": rng.choice(phrases.POSITIONS),
            "entry_date": received_at.date() + timedelta(days=rng.randint(3, 45)),
        }

    def _sentence(self, *parts):
        chosen = " ".join(self.rng.choice(part) for part in parts)
        return chosen.replace("{number}", str(self.rng.randint(2, 90))).rstrip()

    def _events(self, submission, customer):
        """Yield the events of a ticket in their order, also those that are still to come."""
        rng, by = self.rng, self.rng.choice(self.staff).name
        at, priority = submission["received_at"], submission["priority"]
        if submission["channel"] is Channel.PHONE:
            yield _event(at, EventKind.OPENED, by, intake.TAKEN_AT_THE_PHONE)
        else:
            yield _event(at, EventKind.OPENED, enums.PORTAL_ACTOR, intake.MATCHED)
        begun = False
        if customer.approver:
            asked_at = at
            waiting = [_event(at, EventKind.ASKED, enums.PORTAL_ACTOR, customer.approver)]
            if priority is Priority.HIGH and rng.random() < 0.5:
                at, begun = self._in_working_hours(at, MEDIAN_HOURS[priority][0]), True
                waiting.append(_event(at, EventKind.STARTED_EARLY, by, "Der Betrieb steht."))
            at = self._in_working_hours(at, MEDIAN_APPROVAL_HOURS)
            reminded = [due for due in _reminders(asked_at) if due < at]
            waiting += [_event(due, EventKind.REMINDED, enums.PORTAL_ACTOR, customer.approver) for due in reminded]
            yield from sorted(waiting, key=itemgetter("at"))
            if not begun and rng.random() < 0.06:
                yield _event(at, EventKind.DECLINED, customer.approver, rng.choice(phrases.DECLINED))
                yield _event(at, EventKind.CANCELLED, customer.approver, "Freigabe abgelehnt")
                return
            if rng.random() < 0.2:
                yield _event(at, EventKind.APPROVED_ON_BEHALF, by, f"{customer.approver}, am Telefon.")
            else:
                yield _event(at, EventKind.APPROVED, customer.approver)
        if not begun:
            at = self._in_working_hours(at, MEDIAN_HOURS[priority][0])
            yield _event(at, EventKind.TAKEN_OVER, by)
            yield _event(at, EventKind.STARTED, by)
        yield from self._work(at, submission, by)

    def _work(self, at, submission, by):
        """Yield what happens once the work has begun; few tickets are never finished."""
        rng, hours = self.rng, MEDIAN_HOURS[submission["priority"]][1]
        if rng.random() < 0.1:
            yield _event(at, EventKind.NOTED, by, rng.choice(phrases.NOTES))
        if rng.random() < 0.25:
            at = self._in_working_hours(at, hours / 2)
            yield _event(at, EventKind.WAITING, by, rng.choice(phrases.WAITING))
            if rng.random() < 0.01:
                return
            at = self._in_working_hours(at, hours)
            yield _event(at, EventKind.STARTED, by)
        if submission["entry_date"]:
            day_before = submission["entry_date"] - timedelta(days=1)
            at = max(at, datetime.combine(day_before, time(15), TIME_ZONE))
        at = self._in_working_hours(at, hours)
        if rng.random() < 0.03:
            yield _event(at, EventKind.CANCELLED, by, rng.choice(phrases.CANCELLED))
        else:
            yield _event(at, EventKind.DONE, by, rng.choice(phrases.DONE))

    def _in_working_hours(self, at, hours):
        """Return a moment in working hours, about so many hours later."""
        at += timedelta(hours=min(hours * self.rng.lognormvariate(0, 0.9), LONGEST_HOURS))
        if not OPENING_HOUR <= at.hour < CLOSING_HOUR:
            next_day = at.date() + timedelta(days=at.hour >= CLOSING_HOUR)
            at = datetime.combine(next_day, time(OPENING_HOUR, at.minute, at.second), TIME_ZONE)
        return at + timedelta(days=7 - at.weekday()) if at.weekday() >= 5 else at

    def _ticket(self, id, submission, customer, events):
        kinds = [event["kind"] for event in events]
        statuses = [STATUS_AFTER[kind] for kind in kinds if kind in STATUS_AFTER]
        decisions = [APPROVAL_AFTER[kind] for kind in kinds if kind in APPROVAL_AFTER]
        status = statuses[-1] if statuses else TicketStatus.NEW
        begun = [event["actor"] for event in events if event["kind"] in (EventKind.STARTED, EventKind.STARTED_EARLY)]
        approval = (decisions or [Approval.PENDING if customer.approver else Approval.NOT_REQUIRED])[0]
        reminders = kinds.count(EventKind.REMINDED) if approval is Approval.PENDING else 0
        due = list(_reminders(submission["received_at"])) if approval is Approval.PENDING else []
        office = {member.name for member in self.staff}
        return {
            "id": id,
            "submission": id,
            "customer": customer.id,
            "category": submission["category"],
            "rank": submission["priority"].rank,
            "status": status,
            "approval": approval,
            "assignee": next((member.id for member in self.staff if begun and member.name == begun[0]), None),
            "due_on": submission["entry_date"],
            "lead_time_missed": intake.lead_time_missed(SimpleNamespace(**submission)),
            "remind_at": next(iter(due[reminders:]), None),
            "reminders": reminders,
            "created_at": submission["received_at"],
            "first_action_at": next((event["at"] for event in events[1:] if event["actor"] in office), None),
            "closed_at": events[-1]["at"] if status in (TicketStatus.DONE, TicketStatus.CANCELLED) else None,
        }


def _arrivals(rng, count, now, period):
    """Yield when the reports come in, oldest first: in working hours, mostly on Mondays, more from year to year."""
    hour_now = now.hour + now.minute / 60
    days = [now.date() - timedelta(days=ago) for ago in range(period.days, -1, -1)]
    weights = [WEEKDAY_WEIGHTS[day.weekday()] * (1 + place / len(days)) for place, day in enumerate(days)]
    weights[-1] *= min(max(0, hour_now - OPENING_HOUR) / (CLOSING_HOUR - OPENING_HOUR), 1)
    numbers = Counter(rng.choices(days, weights, k=count))
    for day in days:
        midnight = datetime.combine(day, time(), TIME_ZONE)
        end = min(CLOSING_HOUR, hour_now) if day == now.date() else CLOSING_HOUR
        hours = sorted(rng.triangular(OPENING_HOUR, end, min(BUSIEST_HOUR, end)) for _ in range(numbers[day]))
        yield from (midnight + timedelta(hours=hour) for hour in hours)


def _add_staff(since):
    """Add three members of staff who cannot sign in, and return all there are."""
    for name in phrases.STAFF:
        Staff.create(
            login=accounts.normalise_login(name), name=name, password_hash=UNUSABLE_PASSWORD_HASH, created_at=since
        )
    return list(Staff.active())


def _add_customers(rng, count, since):
    """Add customers who cannot report any more, as they have no PIN; every third has an approver, named on it."""
    customers = []
    for position in range(1, count + 1):
        last_name = rng.choice(phrases.LAST_NAMES)
        domain = f"kunde{position}.example.org"
        customer = Customer.create(
            number=f"K{20000 + position}",
            name=f"{rng.choice(phrases.TRADES)} {last_name}{rng.choice(phrases.TOWNS)}",
            contact_name=f"{rng.choice(phrases.FIRST_NAMES)} {last_name}",
            email=f"post@{domain}",
            mail_domain=domain,
            fully_managed=rng.random() < 0.8,
            created_at=since,
        )
        customer.approver = customer.contact_name if position % 3 == 0 else None
        if customer.approver:
            Approver.create(customer=customer, name=customer.approver, email=f"freigabe@{domain}")
        customers.append(customer)
    return customers


def _insert(model, rows):
    """Insert rows that name the same fields in the same order, with one statement that is prepared only once."""
    fields = [getattr(model, name) for name in rows[0]]
    sql, _ = model.insert_many([tuple(rows[0].values())], fields).sql()
    convert = [field.db_value for field in fields]
    values = ([write(value) for write, value in zip(convert, row.values(), strict=True)] for row in rows)
    database.connection().executemany(sql, values)


def _reminders(asked_at):
    """Yield when approvers are reminded who do not decide."""
    due = asked_at
    for sent in range(approvals.MAX_REMINDERS):
        due = approvals.reminder_after(due, sent)
        yield due


def _event(at, kind, actor, text=""):
    return {"ticket": None, "at": at, "kind": kind, "actor": actor, "text": text}


def _weighted_choice(rng, shares):
    return rng.choices(list(shares), weights=shares.values())[0]


def _code(id):
    number = id * CODE_STEP % len(CODE_ALPHABET) ** CODE_LENGTH
    signs = []
    for _ in range(CODE_LENGTH):
        number, sign = divmod(number, len(CODE_ALPHABET))
        signs.append(CODE_ALPHABET[sign])
    return "".join(signs)
