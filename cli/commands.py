"""The commands of the office: each calls one service and prints the result in German."""

import shutil
from pathlib import Path

import click

import clock
from cli import maintenance
from cli.console import Command, Group, as_json, ask_password, display_text, print_entry, print_json, print_rows
from enums import StaffRole
from i18n import formats
from i18n.folding import sorted_by_name
from i18n.system_errors import in_german
from i18n.typed_text import normalise_code
from models import Attachment, Customer, Staff, Submission, Ticket
from services import request_fields
from services.background import worker
from services.customers import customers, pins
from services.files import attachments
from services.operations import data_folder
from services.security.audit_log import COMMAND, SecurityEvent, log_event
from services.staff import accounts, two_factor
from settings import VERSION, StartError

number = click.option("--nummer", "number", required=True, metavar="N", help="Kundennummer.")
account_name = click.option("--name", required=True, metavar="NAME", help="Der Name zum Anmelden.")
attachment_number = click.argument("position", metavar="NR", type=click.IntRange(1))
attachment_target = click.option(
    "--ziel", "target", metavar="DATEI", help="Wohin damit; sonst unter seinem Namen in diesen Ordner."
)


# The commands that do not touch the data folder, or only read it.
NOT_WRITING = ("pruefen", "demo", "test", "einrichten")


@click.group(cls=Group, invoke_without_command=True)
@click.version_option(VERSION, message="Meldeportal %(version)s", help="Die Version zeigen.")
@click.pass_context
def cli(context):
    """Meldeportal: Ohne Befehl startet der Webserver."""
    if context.invoked_subcommand not in NOT_WRITING and (wrong := data_folder.foreign_owner_error()):
        raise StartError(wrong)
    if context.invoked_subcommand is None:
        context.obj.serve()


@cli.command("demo", cls=Command)
@click.option(
    "--tickets",
    "ticket_count",
    type=click.IntRange(1),
    metavar="ZAHL",
    help="So viele Tickets aus fünf Jahren; sonst einige hundert aus einem Jahr.",
)
@click.pass_obj
def run_demo(runtime, ticket_count):
    """Zum Ausprobieren: mit Beispieldaten starten."""
    click.echo("Einen Moment, das Portal legt Beispieldaten an …")
    runtime.serve_demo(ticket_count)


@cli.command("einrichten", cls=Command)
def set_up():
    """Nur die Pakete laden, die das Portal braucht."""
    # start.py has already done it; this entry is for the list of commands.


@cli.command("test", cls=Command)
def test():
    """Alle Tests ausführen."""
    # start.py runs the tests itself; this entry is for the list of commands.
    raise click.ClickException("Bitte starten Sie die Tests mit: python3 start.py test")


@cli.command("worker")
@click.option("--einmal", "once", is_flag=True, required=True, help="Alles Fällige einmal erledigen.")
def run_worker(once):
    """Prüfen, verschicken, aufräumen, ohne Webserver."""
    try:
        done = worker.run_once(clock.now())
    except OSError as error:
        raise click.ClickException(f"Nicht alles ließ sich erledigen: {in_german(error)}.") from None
    click.echo(f"Erledigt. Geprüfte Anfragen: {done['decide']}, verschickte E-Mails: {done['mails']}")


for command in maintenance.COMMANDS:
    cli.add_command(command)


@cli.group("kunde")
def customer():
    """Kunden und ihre PINs."""


@customer.command("neu")
@number
@click.option("--name", required=True, metavar="TEXT", help="Name des Unternehmens.")
@click.option("--mail", default="", metavar="ADRESSE", help="E-Mail-Adresse des Ansprechpartners.")
def add_customer(number, name, mail):
    """Einen Kunden anlegen und seine PIN ausgeben."""
    customer = customers.add({"number": number, "name": name, "email": mail}, clock.now())
    _issue_pin(customer, "ist angelegt")


@customer.command("liste")
@as_json
def list_customers(as_json):
    """Alle Kunden zeigen."""
    rows = [
        {"Nummer": customer.number, "Name": customer.name, "Mail": customer.email, "gesperrt seit": customer.locked_at}
        for customer in sorted_by_name(Customer.select())
    ]
    print_rows(rows, as_json, "Noch keine Kunden. Neu anlegen: kunde neu --nummer N --name TEXT")


@customer.command("pin")
@number
def issue_pin(number):
    """Eine neue PIN ausgeben; die bisherige gilt dann nicht mehr."""
    _issue_pin(customers.find(number), "hat eine neue PIN")


@customer.command("sperren")
@number
def lock(number):
    """Einen Kunden sperren: keine Tickets mehr."""
    customer = customers.find(number)
    customers.lock(customer, clock.now())
    log_event(SecurityEvent.CUSTOMER_LOCKED, COMMAND, customer=customer.number)
    click.echo(f"Kunde {customer.number} ({customer.name}) ist gesperrt.")


@customer.command("entsperren")
@number
def unlock(number):
    """Die Sperre eines Kunden aufheben."""
    customer = customers.find(number)
    customers.unlock(customer)
    log_event(SecurityEvent.CUSTOMER_UNLOCKED, COMMAND, customer=customer.number)
    click.echo(f"Kunde {customer.number} ({customer.name}) ist entsperrt.")


@cli.group("ticket")
def ticket():
    """Tickets ansehen."""


@ticket.command("liste")
@as_json
def list_tickets(as_json):
    """Alle Tickets zeigen, das neueste zuerst."""
    rows = [_summary(ticket.submission) | _ticket_facts(ticket) for ticket in Ticket.newest_first()]
    print_rows(rows, as_json, "Noch keine Tickets.")


@ticket.command("zeigen")
@click.argument("code", metavar="VORGANGSNUMMER")
@as_json
def show_ticket(code, as_json):
    """Ein Ticket mit allen Angaben, Anhängen und seinem Verlauf zeigen."""
    ticket = _find_ticket(code)
    history = [
        {"wann": event.at, "wer": event.actor, "was": ": ".join(filter(None, (event.kind.label, event.text)))}
        for event in ticket.events
    ]
    _print_submission(ticket.submission, _ticket_facts(ticket), history, as_json)


@ticket.command("anhang")
@click.argument("code", metavar="VORGANGSNUMMER")
@attachment_number
@attachment_target
def save_attachment(code, position, target):
    """Einen Anhang eines Tickets in eine Datei schreiben."""
    _save_attachment(_find_ticket(code).submission, position, target)


@cli.group("nicht-zugeordnet")
def unmatched():
    """Anfragen, bei denen Kundennummer und PIN nicht passten."""


@unmatched.command("liste")
@as_json
def list_unmatched(as_json):
    """Alle nicht zugeordneten Anfragen zeigen, die neueste zuerst."""
    rows = [_summary(submission) | _unmatched_facts(submission) for submission in Submission.unmatched()]
    print_rows(rows, as_json, "Es gibt keine nicht zugeordneten Anfragen.")


@unmatched.command("zeigen")
@click.argument("code", metavar="VORGANGSNUMMER")
@as_json
def show_unmatched(code, as_json):
    """Eine nicht zugeordnete Anfrage zeigen."""
    submission = _find_unmatched(code)
    _print_submission(submission, _unmatched_facts(submission), [], as_json)


@unmatched.command("anhang")
@click.argument("code", metavar="VORGANGSNUMMER")
@attachment_number
@attachment_target
def save_unmatched_attachment(code, position, target):
    """Einen Anhang in eine Datei schreiben."""
    _save_attachment(_find_unmatched(code), position, target)


@cli.group("verwaltung")
def office():
    """Konten für die Verwaltung."""


@office.command("neu")
@account_name
@click.option("--leitung", "leads", is_flag=True, help="Mit der Rolle Leitung; das erste Konto hat sie immer.")
def add_account(name, leads):
    """Ein Konto anlegen; der Befehl fragt nach dem Kennwort."""
    role = StaffRole.LEAD if leads else StaffRole.TEAM
    member = accounts.add(name, ask_password(), clock.now(), role=role)
    log_event(SecurityEvent.ACCOUNT_ADDED, COMMAND, account=member.name)
    click.echo(f"Das Konto „{member.name}“ ist angelegt.")


@office.command("kennwort")
@account_name
@click.option("--ohne-zweiten-faktor", "alone", is_flag=True, help="Auch den zweiten Faktor abschalten.")
def set_password(name, alone):
    """Ein neues Kennwort setzen; alle Sitzungen des Kontos enden."""
    member = accounts.find(name)
    accounts.set_password(member, ask_password(), clock.now())
    log_event(SecurityEvent.PASSWORD_CHANGED, COMMAND, account=member.name)
    if alone:
        two_factor.disable(member)
        log_event(SecurityEvent.SECOND_FACTOR_OFF, COMMAND, account=member.name)
    click.echo(f"Das Konto „{member.name}“ hat ein neues Kennwort{' und keinen zweiten Faktor mehr' if alone else ''}.")


@office.command("sperren")
@account_name
def lock_account(name):
    """Ein Konto sperren; alle seine Sitzungen enden."""
    member = accounts.find(name)
    accounts.lock(member, clock.now())
    log_event(SecurityEvent.ACCOUNT_LOCKED, COMMAND, account=member.name)
    click.echo(f"Das Konto „{member.name}“ ist gesperrt.")


@office.command("entsperren")
@account_name
def unlock_account(name):
    """Die Sperre eines Kontos aufheben."""
    member = accounts.find(name)
    accounts.unlock(member)
    log_event(SecurityEvent.ACCOUNT_UNLOCKED, COMMAND, account=member.name)
    click.echo(f"Das Konto „{member.name}“ ist entsperrt.")


@office.command("liste")
@as_json
def list_accounts(as_json):
    """Alle Konten zeigen."""
    rows = [
        {
            "Name": member.name,
            "Rolle": member.role.label,
            "angelegt": member.created_at,
            "zweiter Faktor seit": member.totp_enabled_at,
            "gesperrt seit": member.locked_at,
        }
        for member in Staff.by_name()
    ]
    print_rows(rows, as_json, "Noch keine Konten. Neu anlegen: verwaltung neu --name NAME")


def _find_ticket(code):
    if ticket := Ticket.find_by_code(code):
        return ticket
    raise click.ClickException(f"Ein Ticket {code} gibt es nicht.")


def _find_unmatched(code):
    if submission := Submission.unmatched().where(Submission.code == normalise_code(code)).get_or_none():
        return submission
    raise click.ClickException(f"Eine nicht zugeordnete Anfrage {code} gibt es nicht.")


def _save_attachment(submission, position, target):
    found = list(submission.files.order_by(Attachment.id))
    if position > len(found):
        raise click.ClickException(f"Einen Anhang Nummer {position} hat der Vorgang {submission.spoken_code} nicht.")
    target = Path(target or found[position - 1].name)
    try:
        with attachments.open_stored(found[position - 1]) as source, target.open("xb") as file:
            shutil.copyfileobj(source, file)
    except FileExistsError:
        raise click.ClickException(f"Die Datei {target} gibt es schon. Wählen Sie mit --ziel eine andere.") from None
    except OSError as error:
        raise click.ClickException(f"Der Anhang ließ sich nicht schreiben: {in_german(error)}.") from None
    click.echo(f"Geschrieben: {target}")


def _summary(submission):
    return {
        "Vorgang": submission.spoken_code,
        "eingegangen": submission.received_at,
        "Art": submission.category.label,
        "Priorität": submission.priority.label,
        "Kundennummer": submission.customer_number,
        "von": submission.name,
        "Kontaktnummer": submission.phone,
    }


def _ticket_facts(ticket):
    return {
        "Art": ticket.category.label,
        "Priorität": ticket.priority.label,
        "von": ticket.name,
        "Kontaktnummer": ticket.phone,
        "Status": ticket.status.label,
        "Kunde": ticket.customer.name,
        "Mail des Kunden": ticket.customer.email,
        "Freigabe": ticket.approval.label,
        "bearbeitet von": ticket.assignee.name if ticket.assignee else "",
        "Hinweise": ticket.flags,
    }


def _unmatched_facts(submission):
    return {"Grund": submission.unmatched_reason.label}


def _issue_pin(customer, what):
    pin = pins.issue_pin(customer, clock.now())
    log_event(SecurityEvent.PIN_ISSUED, COMMAND, customer=customer.number)
    click.echo(f"Kunde {customer.number} ({customer.name}) {what}.")
    click.echo(f"PIN: {pins.spoken_pin(pin)}")
    click.echo("Sie sehen sie nur dieses eine Mal.")


def _print_submission(submission, facts, history, as_json):
    sent = request_fields.labelled_texts(submission)
    numbered = list(enumerate(submission.files.order_by(Attachment.id), start=1))
    files = [
        {"Nr": position, "Name": file.name, "Bytes": file.size, "enthält": file.active_content}
        for position, file in numbered
    ]
    if as_json:
        print_json(_summary(submission) | facts | {"Angaben": dict(sent), "Anhänge": files, "Verlauf": history})
        return
    click.echo(f"Vorgang {submission.spoken_code}, eingegangen am {formats.local_datetime(submission.received_at)}")
    for label, value in [*facts.items(), *sent]:
        if value:
            print_entry(f"{label}: {display_text(value)}")
    for position, file in numbered:
        warning = file.warning and f", {file.warning}"
        print_entry(f"Anhang {position}: {display_text(file.name)} ({formats.file_size(file.size)}){warning}")
    for event in history:
        who, what = display_text(event["wer"]), display_text(event["was"])
        print_entry(f"{formats.local_datetime(event['wann'])} · {who}: {what}")
