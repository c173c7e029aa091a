"""Guessing PINs: a few attempts a day, no report is lost, and the customer and the office are notified."""

import threading

import pytest

import clock
from database import database
from models import Customer, FormerPin, KnownSender, Message, Submission, WrongPin
from services.background import worker
from services.customers import customers, pins
from services.intake import intake, unmatched
from services.security import pin_lockout
from settings import Settings, settings
from tests.support.cast import NOW, PIN
from tests.support.contacts import set_contact
from tests.support.pages import HTMX, Visitor, visible_answer
from tests.support.servers.mailbox import text_of
from tests.support.unmatched import UNMATCHED, add_unmatched, convert, unmatched_path

TODAY = "/verwaltung/"
SITES = [f"203.0.113.{number}" for number in range(4)]
ELSEWHERE = "198.51.100.1"
GUESSED = "richtige PIN während vieler Fehlversuche: bitte zurückrufen"


@pytest.fixture(autouse=True)
def small_budget(app, monkeypatch):
    """A smaller budget than the default, and larger parts of it: what holds for three holds for ten."""
    settings.wrong_pins_per_day = 3
    monkeypatch.setattr(pin_lockout, "SITES_PER_TOTAL_BUDGET", 3)


@pytest.fixture
def decide(app, run_worker):
    """Run the worker once at the test's time."""

    def run_once():
        with app.app_context(), database.connection_context():
            worker.run_once(clock.now())

    return run_once


@pytest.fixture
def guess(dora, decide):
    """Send so many wrong PINs as Dora, by default with Anna's customer number, and run the worker."""

    def send(times, address="127.0.0.1", **typed):
        dora.client.environ_base["REMOTE_ADDR"] = address
        for number in range(times):
            dora.report("incident", pin=f"1111 {number:04}", **typed)
        decide()

    return send


@pytest.fixture
def others(app):
    """Add so many customers with a PIN and return their numbers."""

    def add(number):
        with database.connection_context():
            rows = [
                customers.add({"number": f"K2{index:03}", "name": f"Kunde {index}"}, NOW) for index in range(number)
            ]
            pins.issue_pins(rows, NOW)
        return [row.number for row in rows]

    return add


def send_from(visitor, address, **typed):
    """Send a report from an IP address."""
    visitor.client.environ_base["REMOTE_ADDR"] = address
    visitor.report("incident", **typed)


def reasons(submissions):
    return [submission.unmatched_reason for submission in submissions()]


def counted():
    with database.connection_context():
        return WrongPin.select().count()


# --- The budget of a customer ---


@pytest.mark.parametrize(("wrong", "reason"), [(2, None), (3, "guessed"), (5, "guessed")])
def test_the_right_pin_after_wrong_ones(anna, guess, decide, tickets, submissions, wrong, reason):
    guess(wrong)
    anna.report("incident")
    decide()
    assert reasons(submissions) == ["wrong_pin"] * wrong + [reason]
    assert len(tickets()) == (reason is None)
    assert counted() == min(wrong, settings.wrong_pins_per_day)


def test_the_right_pin_in_one_batch_with_wrong_ones(anna, dora, decide, tickets, submissions):
    for visitor in (dora, dora, dora, anna):
        visitor.report("incident")
    decide()
    assert reasons(submissions) == ["wrong_pin"] * 3 + ["guessed"]
    assert tickets() == []


def test_a_report_during_lockout_is_shown_and_becomes_a_ticket(anna, clara, guess, decide, tickets, submissions):
    guess(3)
    anna.report("callback", description="Bitte wegen der Kasse anrufen.")
    decide()
    report = submissions()[-1]
    assert GUESSED in clara.get(UNMATCHED).text_of("main")
    page = clara.get(unmatched_path(report))
    assert GUESSED in page.text_of("main")
    assert "Die PIN stimmt." in page.text_of("main")
    assert convert(clara, report).status == 303
    (ticket,) = tickets()
    assert ticket.submission == report
    assert GUESSED in clara.get(f"/verwaltung/ticket/{report.code}").text_of("main")


def test_a_flood_of_wrong_ones_hides_no_report(anna, clara, guess, decide, submissions):
    guess(3)
    anna.report("callback", description="Bitte wegen der Kasse anrufen.")
    decide()
    report = submissions()[-1]
    add_unmatched(500, 60)
    assert report.spoken_code in clara.get(UNMATCHED).text_of("right-pin")
    assert f"/nicht-zugeordnet/{report.code}" in clara.get(TODAY).text


def test_a_right_pin_within_the_budget_does_not_begin_it_anew(anna, guess, decide, submissions):
    settings.wrong_pins_per_day = Settings.wrong_pins_per_day
    guess(9)
    anna.report("incident")
    decide()
    guess(1)
    anna.report("incident")
    decide()
    assert reasons(submissions)[-3:] == [None, "wrong_pin", "guessed"]


def test_a_day_later_all_is_well(anna, guess, decide, advance_clock, submissions):
    guess(3)
    advance_clock(hours=23, minutes=59)
    anna.report("incident")
    decide()
    advance_clock(minutes=1)
    anna.report("incident")
    decide()
    assert reasons(submissions)[-2:] == ["guessed", None]
    assert counted() == 0


def test_the_budget_comes_back_as_it_went(anna, guess, decide, advance_clock, submissions):
    guess(1)
    advance_clock(hours=12)
    guess(2)
    advance_clock(hours=12)
    anna.report("incident")
    decide()
    assert reasons(submissions)[-1] is None
    guess(1)
    send_from(anna, ELSEWHERE)
    decide()
    assert reasons(submissions)[-1] == "guessed"


def test_a_new_pin_begins_anew(anna, guess, decide, submissions):
    guess(3)
    with database.connection_context():
        pin = pins.issue_pin(Customer.get(), NOW)
    assert counted() == 0
    anna.report("incident", pin=pin)
    guess(2)
    anna.report("incident", pin=pin)
    guess(1)
    send_from(anna, ELSEWHERE, pin=pin)
    decide()
    assert [reason for reason in reasons(submissions)[3:] if reason != "wrong_pin"] == [None, None, "guessed"]


def test_only_guesses_at_a_pin_in_force_count(anna, guess, decide, submissions):
    guess(4, customer_number="K9999")
    with database.connection_context():
        pin = pins.issue_pin(Customer.get(), NOW)
    for _ in range(4):
        anna.report("incident", pin=PIN)
    anna.report("incident", pin=pin)
    decide()
    assert reasons(submissions) == ["unknown_number"] * 4 + ["former_pin"] * 4 + [None]
    assert counted() == 0


def test_other_customers_are_not_locked_out(anna, guess, others, decide, tickets):
    (number,) = others(1)
    guess(3, customer_number=number)
    anna.report("incident")
    decide()
    assert len(tickets()) == 1


def test_each_customer_has_a_budget_of_its_own(anna, clara, guess, others):
    (number,) = others(1)
    guess(2)
    guess(2, customer_number=number)
    assert clara.get(TODAY).element("guessing") is None
    guess(1, customer_number=number)
    told = clara.get(TODAY).text_of("guessing")
    assert "Kunde 0" in told
    assert "Bäckerei Sommer" not in told


def test_a_locked_customer_stays_locked(anna, guess, decide, submissions):
    with database.connection_context():
        customers.lock(Customer.get(), NOW)
    guess(3)
    anna.report("incident")
    decide()
    assert reasons(submissions)[-1] == "customer_locked"
    with database.connection_context():
        assert Message.select().count() == 0


# --- The budget over all customers ---


@pytest.mark.parametrize(("budget", "reason"), [(9, None), (8, "guessed"), (7, "guessed")])
def test_a_few_guesses_at_each_of_many(anna, guess, others, decide, submissions, budget, reason):
    settings.wrong_pins_total_per_day = budget
    for number, address in zip(others(4), SITES, strict=True):
        guess(2, address, customer_number=number)
    anna.report("incident")
    decide()
    assert reasons(submissions) == ["wrong_pin"] * 8 + [reason]
    assert counted() == min(8, budget)


@pytest.mark.parametrize("addresses", [["203.0.113.7"] * 4, [f"2001:db8:1:{number}::1" for number in range(4)]])
def test_one_site_locks_out_only_itself(anna, guess, others, decide, submissions, addresses):
    settings.wrong_pins_total_per_day = 9
    for number, address in zip(others(4), addresses, strict=True):
        guess(2, address, customer_number=number)
    assert counted() == 3
    for address in (addresses[0], ELSEWHERE):
        send_from(anna, address)
    decide()
    assert reasons(submissions) == ["wrong_pin"] * 8 + ["guessed", None]


def test_a_site_may_guess_once_however_small_the_budget(guess, others):
    settings.wrong_pins_total_per_day = 2
    numbers = others(3)
    for address, number, expected in zip((SITES[0], SITES[0], SITES[1]), numbers, (1, 1, 2), strict=True):
        guess(1, address, customer_number=number)
        assert counted() == expected


@pytest.mark.parametrize("state", [{"pin_hash": None}, {"locked_at": NOW}], ids=["without", "locked"])
def test_customer_without_access_cannot_be_guessed(anna, guess, others, decide, tickets, notices, state):
    settings.wrong_pins_total_per_day = 3
    (number,) = others(1)
    with database.connection_context():
        Customer.update(state).where(Customer.number == number).execute()
        set_contact(Customer.get(Customer.number == number), email="nord@schlosserei.example")
    guess(6, customer_number=number)
    anna.report("incident")
    decide()
    assert (counted(), len(tickets()), notices()) == (0, 1, [])


def test_today_page_says_that_all_customers_are_locked_out(anna, clara, guess, others):
    settings.wrong_pins_total_per_day = 4
    for number, address in zip(others(4), SITES, strict=True):
        guess(1, address, customer_number=number)
    assert "Bei vielen Kundennummern zusammen" in clara.get(TODAY).text_of("guessing")
    assert "Kunde 1" not in clara.get(TODAY).text_of("guessing")


# --- The fast lane of known senders ---


@pytest.mark.parametrize(
    ("known", "address", "reason"),
    [
        ("127.0.0.1", "127.0.0.1", None),
        ("127.0.0.1", ELSEWHERE, "guessed"),
        ("2001:db8:1:2::3", "2001:db8:1:ffff::9", None),
        ("2001:db8:1:2::3", "2001:db8:2:2::3", "guessed"),
    ],
)
def test_guesses_from_elsewhere_do_not_keep_out_a_known_sender(
    anna, guess, others, decide, submissions, known, address, reason
):
    settings.wrong_pins_total_per_day = 6
    send_from(anna, known)
    decide()
    guess(2, SITES[0])
    guess(2, SITES[1])
    guess(2, SITES[2], customer_number=others(1)[0])
    send_from(anna, address)
    decide()
    assert reasons(submissions)[-1] == reason


@pytest.mark.parametrize(("wrong", "reason"), [(4, None), (5, "guessed"), (9, "guessed")])
def test_a_known_sender_with_five_wrong_pins_of_its_own(anna, guess, decide, submissions, wrong, reason):
    anna.report("incident")
    decide()
    guess(3, SITES[0])
    guess(wrong)
    anna.report("incident")
    decide()
    assert reasons(submissions)[-1] == reason
    assert counted() == 3 + min(wrong, 5)


def test_wrong_pins_of_a_known_sender_count_no_more_than_those_of_others(anna, guess, decide, submissions):
    settings.wrong_pins_per_day = 10
    anna.report("incident")
    decide()
    guess(9)
    anna.report("incident")
    decide()
    assert reasons(submissions)[-1] is None


def test_a_known_sender_is_known_for_one_customer_only(anna, guess, others, decide, submissions):
    anna.report("incident")
    decide()
    (number,) = others(1)
    with database.connection_context():
        pin = pins.issue_pin(Customer.get(Customer.number == number), NOW)
    guess(3, SITES[0], customer_number=number)
    anna.report("incident", customer_number=number, pin=pin)
    decide()
    assert reasons(submissions)[-1] == "guessed"


@pytest.mark.parametrize(("days", "reason"), [(89, None), (90, "guessed")])
def test_a_sender_stays_known_for_so_many_days(anna, guess, decide, advance_clock, submissions, days, reason):
    settings.receipt_hours = 1
    anna.report("incident")
    decide()
    advance_clock(days=days)
    guess(3, SITES[0])
    anna.report("incident")
    decide()
    assert reasons(submissions)[-1] == reason


def test_what_is_known_of_a_sender_holds_no_address_and_goes_with_the_number(anna, decide):
    anna.report("incident")
    decide()
    with database.connection_context():
        (known,) = KnownSender.select()
        assert "127.0.0.1" not in str(known.__data__)
        customer = Customer.get()
        customers.change(customer, {"number": "K7007", "name": "Bäckerei Sommer"}, customers.fingerprint(customer))
        assert KnownSender.select().count() == 0


# --- Urgent requests that do not match ---


@pytest.fixture
def urgent_mails(app, mailbox):
    """Return the mails that tell the office about urgent unmatched requests."""

    def load():
        return [mail for mail in mailbox.mails if mail["Subject"].startswith("Dringend")]

    return load


def test_an_urgent_report_with_the_right_pin_amid_guesses_is_mailed_each_time(anna, guess, decide, urgent_mails):
    guess(3, SITES[0])
    for _ in range(2):
        send_from(anna, ELSEWHERE, priority="high")
        decide()
    first, second = urgent_mails()
    assert "Die PIN stimmt." in text_of(first)
    assert first["To"] == settings.office_email
    assert text_of(first) != text_of(second)


@pytest.mark.parametrize("typed", [{}, {"customer_number": "K9999"}])
def test_an_urgent_report_with_a_wrong_pin_is_mailed_briefly_once_an_hour(
    guess, submissions, urgent_mails, advance_clock, typed
):
    guess(3, priority="high", description="Kauft bei Dora!", **typed)
    (mail,) = urgent_mails()
    first = submissions()[0]
    for words in (first.customer_number, f"/verwaltung/nicht-zugeordnet/{first.code}", "die Sie von dem Kunden haben"):
        assert words in text_of(mail)
    for words in ("Kauft", "Dora", "1111", "Die PIN stimmt"):
        assert words not in text_of(mail) + mail["Subject"]
    guess(1, SITES[0], priority="high", **typed)
    assert len(urgent_mails()) == 2
    advance_clock(hours=1)
    guess(1, priority="high", **typed)
    assert len(urgent_mails()) == 3


def test_an_urgent_report_of_a_locked_customer_is_not_called_a_wrong_pin(anna, decide, urgent_mails):
    with database.connection_context():
        Customer.update(locked_at=NOW).execute()
    send_from(anna, ELSEWHERE, priority="high")
    decide()
    (mail,) = urgent_mails()
    assert mail["Subject"].startswith("Dringend, Kunde gesperrt [")
    assert "vertippt" not in text_of(mail)


def test_a_wrong_pin_without_high_priority_is_not_mailed(guess, urgent_mails):
    guess(1, priority="medium")
    assert urgent_mails() == []


def test_a_flood_of_urgent_reports_does_not_fill_the_mailbox(anna, guess, decide, urgent_mails):
    guess(3, SITES[0])
    for number in range(unmatched.MAX_URGENT_MAILS_PER_HOUR + 2):
        guess(1, f"203.0.113.{50 + number}", customer_number=f"K9{number:03}", priority="high")
    assert len(urgent_mails()) == unmatched.MAX_URGENT_MAILS_PER_HOUR
    send_from(anna, ELSEWHERE, priority="high")
    decide()
    assert "Die PIN stimmt." in text_of(urgent_mails()[-1])


# --- Two at once ---


def test_two_workers_at_once_overdraw_no_budget(app, anna, dora, guess, tickets, submissions):
    """Both have checked their PIN before the other one decides; the budget is read in the transaction."""
    guess(2)
    dora.report("incident")
    anna.report("incident")
    wrong, right = submissions()[-2:]
    checked, check = threading.Barrier(2), pins.check_proof

    def check_together(*arguments):
        result = check(*arguments)
        checked.wait(10)
        return result

    def decide(submission):
        with app.app_context(), database.connection_context():
            intake.admit([submission], NOW)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pins, "check_proof", check_together)
        threads = [threading.Thread(target=decide, args=[submission]) for submission in (wrong, right)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # In either order the wrong PIN has counted; there is a ticket only if the right one was decided first.
    last = submissions()[-1]
    assert counted() == 3
    assert (last.state, len(tickets())) in (("admitted", 1), ("unmatched", 0))


def test_many_workers_at_once_count_no_more_than_the_budget(app, anna, dora, run_worker, submissions):
    for _ in range(8):
        dora.report("incident")

    def decide(some):
        with app.app_context(), database.connection_context():
            for submission in some:
                intake.admit([submission], NOW)

    waiting = submissions()
    threads = [threading.Thread(target=decide, args=[waiting[begin::4]]) for begin in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted() == settings.wrong_pins_per_day
    assert reasons(submissions) == ["wrong_pin"] * 8


# --- Notifications ---


@pytest.fixture
def notices(app, mailbox):
    """Return the mails that notify a customer's contact of wrong PINs."""

    def load():
        return [mail for mail in mailbox.mails if mail["Subject"].startswith("Viele falsche PINs")]

    return load


def test_the_contact_on_file_is_notified_once_a_day(anna, guess, decide, notices, advance_clock):
    guess(2)
    assert notices() == []
    guess(2)
    anna.report("incident")
    decide()
    (mail,) = notices()
    assert mail.envelope.rcpt_tos == ["post@sommer.example"]
    assert mail["Subject"] == "Viele falsche PINs zu Ihrer Kundennummer K1001"
    for words in ("Hereingekommen ist dabei niemand", "gehen nicht verloren", "rufen Sie uns bitte an", "0211 55500"):
        assert words in text_of(mail)
    advance_clock(hours=23)
    guess(1)
    assert len(notices()) == 1
    advance_clock(hours=1)
    guess(3)
    assert len(notices()) == 2


def test_notice_holds_nothing_that_was_typed(anna, guess, notices):
    guess(3, name="Dora von der Tippse", email="dora@boese.example", description="Kauft bei Dora!", phone="0172 666")
    (mail,) = notices()
    for typed in ("Dora", "boese", "0172", "1111", "0002", "127.0.0.1"):
        assert typed not in text_of(mail) + mail["Subject"]


def test_reporting_while_all_customers_are_locked_out_is_notified(anna, guess, others, decide, notices):
    settings.wrong_pins_total_per_day = 2
    for number, address in zip(others(3), SITES[:3], strict=True):
        guess(1, address, customer_number=number)
    assert notices() == []
    for _ in range(2):
        anna.report("incident")
    decide()
    (mail,) = notices()
    assert mail["Subject"] == "Viele falsche PINs"
    assert "bei vielen Kundennummern" in text_of(mail)
    assert "neuen PIN" not in text_of(mail)


def test_no_notice_without_an_address_on_file(guess, others, notices):
    (number,) = others(1)
    guess(4, customer_number=number, email="dora@boese.example")
    assert notices() == []


def test_today_page_names_customers_that_are_locked_out(anna, clara, guess, advance_clock):
    guess(2)
    assert clara.get(TODAY).element("guessing") is None
    guess(1)
    page = clara.get(TODAY)
    assert "K1001 Bäckerei Sommer" in page.text_of("guessing")
    assert "Nichts zu tun" not in page.text_of("main")
    settings.staff_idle_minutes = settings.staff_session_hours = 10**6
    advance_clock(days=1)
    assert clara.get(TODAY).element("guessing") is None


# --- What an outsider sees ---


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_outsiders_cannot_see_that_the_budget_is_used_up(app, anna, dora, guess, decide, headers):
    def seen(visitor):
        values = visitor.filled("incident")
        answer = visitor.post("/", values, headers=headers)
        address = answer.response.headers.get("HX-Redirect") or answer.response.location
        before = visitor.get(address)
        decide()
        pages = [answer, before, visitor.get(address), visitor.post("/", values, headers=headers)]
        return [visible_answer(visitor, page) for page in pages]

    fresh = seen(Visitor(app, anna.known | {"name": "Dora Dreist", "phone": dora.known["phone"]}))
    guess(4)
    right = seen(Visitor(app, anna.known | {"name": "Dora Dreist", "phone": dora.known["phone"]}))
    wrong = seen(Visitor(app, dora.known))
    assert fresh == right == wrong


# --- Former PINs ---


@pytest.mark.parametrize(("days", "reason"), [(89, "former_pin"), (90, "wrong_pin")])
def test_a_former_pin_is_recognised_for_so_many_days(app, anna, run_worker, advance_clock, submissions, days, reason):
    with database.connection_context():
        pins.issue_pin(Customer.get(), NOW)
    advance_clock(days=days)
    anna.report("incident")
    with app.app_context(), database.connection_context():
        intake.admit([Submission.get()], clock.now())
    assert reasons(submissions) == [reason]


def test_an_expired_former_pin_is_deleted(anna, decide, advance_clock):
    with database.connection_context():
        pins.issue_pin(Customer.get(), NOW)
    for days, kept in ((89, 1), (1, 0)):
        advance_clock(days=days)
        decide()
        with database.connection_context():
            assert FormerPin.select().count() == kept


def test_right_wrong_former_and_unknown_cost_as_many_hashes(app, anna, run_worker, monkeypatch):
    with database.connection_context():
        rightly_issued = [PIN, *(pins.issue_pin(Customer.get(), NOW) for _ in range(3))]
    computed, hash_proof = [], pins.hash_proof
    monkeypatch.setattr(pins, "hash_proof", lambda *pair: computed.append(pair) or hash_proof(*pair))
    costs = []
    for number, pin in [*(("K1001", pin) for pin in rightly_issued), ("K1001", "1111 1111"), ("K9999", PIN)]:
        computed.clear()
        anna.report("incident", customer_number=number, pin=pin)
        run_worker()
        costs.append(len(computed))
    assert set(costs) == {1}


# --- Hashes of former releases ---

# Anna's PIN, as releases until 0.12 stored it.
OLD_HASH = (
    "scrypt:32768:8:1$tRyv7sC6WIRlPIFv$"
    "49e8e5e1f7cd9f28670add9ab54c85eceb59df0f06f4e981b5aaefb9f96199f7"
    "3780351bb7086f180628c55ffad876eb8f8e86c4f36fbdf656acc276875d24b3"
)


@pytest.fixture
def old_checks(monkeypatch):
    """Record the hashes of the old kind that are checked."""
    checked, check = [], pins.check_password_hash
    monkeypatch.setattr(pins, "check_password_hash", lambda *pair: checked.append(pair[0]) or check(*pair))
    return checked


def test_an_old_hash_is_valid_and_renewed_by_the_right_pin_only(anna, dora, run_worker, submissions):
    with database.connection_context():
        new_hash = Customer.get().pin_hash
        Customer.update(pin_hash=OLD_HASH).execute()
    for visitor, expected in ((dora, OLD_HASH), (anna, new_hash), (anna, new_hash)):
        visitor.report("incident")
        run_worker()
        with database.connection_context():
            assert Customer.get().pin_hash == expected
    assert reasons(submissions) == ["wrong_pin", None, None]


def test_a_pin_issued_while_an_old_hash_is_checked_stays_in_force(anna, run_worker, submissions, monkeypatch):
    check, issued = pins.check_proof, []

    def issue_meanwhile(*arguments):
        result = check(*arguments)
        issued.append(pins.issue_pin(Customer.get(), NOW))
        return result

    with database.connection_context():
        Customer.update(pin_hash=OLD_HASH).execute()
    anna.report("incident")
    with monkeypatch.context() as patch:
        patch.setattr(pins, "check_proof", issue_meanwhile)
        run_worker()
    anna.report("incident", pin=issued[0])
    run_worker()
    assert reasons(submissions) == [None, None]


def test_an_old_hash_of_a_former_pin_is_recognised(anna, run_worker, submissions):
    with database.connection_context():
        Customer.update(pin_hash=OLD_HASH).execute()
        pins.issue_pin(Customer.get(), NOW)
    anna.report("incident")
    run_worker()
    assert reasons(submissions) == ["former_pin"]


@pytest.mark.parametrize(("place", "cost"), [("current", 1), ("former", pins.FORMER_PINS_CHECKED)])
def test_an_old_hash_costs_everybody_as_much(anna, run_worker, old_checks, place, cost):
    with database.connection_context():
        other = Customer.create(number="K1002", name="Praxis Winter", pin_hash=OLD_HASH, created_at=NOW)
        if place == "former":
            pins.issue_pin(other, NOW)
    for number, pin in (("K1001", PIN), ("K1001", "1111 1111"), ("K1002", "1111 1111"), ("K9999", PIN)):
        anna.report("incident", customer_number=number, pin=pin)
        run_worker()
    assert len(old_checks) == 4 * cost
    with database.connection_context():
        other.delete_instance(recursive=True)
    anna.report("incident")
    run_worker()
    assert len(old_checks) == 4 * cost
