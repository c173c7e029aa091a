"""What the office types: thin commands, each one call and one answer in German."""

import gettext
import json
import os
from functools import wraps
from pathlib import Path

import click

import clock
import forms
import texts
from models import Attachment, Customer, Submission, Ticket, database
from services import accounts, attachments, worker

# Click takes the words of its own ("Usage", "Missing option") from a catalogue of the standard gettext kind.
os.environ["LANGUAGE"] = "de"
gettext.bindtextdomain("messages", Path(__file__).parent / "translations")


class Group(click.Group):
    def __init__(self, *args, **options):
        super().__init__(*args, **{"options_metavar": "[OPTIONEN]", "subcommand_metavar": "BEFEHL …"} | options)
        self.command_class, self.group_class = Command, Group


class Command(click.Command):
    def __init__(self, *args, **options):
        super().__init__(*args, **{"options_metavar": "[OPTIONEN]"} | options)


def with_database(command):
    """Open the database round a command, and say what went wrong in one sentence."""

    @wraps(command)
    @click.pass_obj
    def run(runtime, *args, **options):
        with runtime.create_app().app_context(), database.connection_context():
            try:
                return command(*args, **options)
            except accounts.AccountError as error:
                raise click.ClickException(str(error)) from None

    return run


as_json = click.option("--json", "as_json", is_flag=True, help="Als JSON ausgeben, für Skripte.")
number = click.option("--nummer", "number", required=True, metavar="N", help="Kundennummer.")


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def cli(context):
    """Meldeportal: Ohne Befehl startet der Webserver."""
    if context.invoked_subcommand is None:
        context.obj.serve()


@cli.command("demo")
@click.pass_obj
def run_demo(runtime):
    """Zum Ausprobieren: mit Beispieldaten starten."""
    runtime.serve_demo()


@cli.command("test")
def test():
    """Alle Tests ausführen."""
    # start.py hears this word first, because the tests need more packages; it stands here for the list of commands.
    raise click.ClickException("Bitte starten Sie die Tests mit: python3 start.py test")


@cli.command("worker")
@click.option("--einmal", "once", is_flag=True, required=True, help="Alles Fällige einmal erledigen.")
@with_database
def run_worker(once):
    """Anfragen prüfen und aufräumen, ohne Webserver."""
    click.echo(f"Erledigt. Geprüfte Anfragen: {worker.run_once(clock.now())}")


@cli.group("kunde")
def customer():
    """Kunden und ihre PINs."""


@customer.command("neu")
@number
@click.option("--name", required=True, metavar="TEXT", help="Name des Unternehmens.")
@click.option("--mail", default="", metavar="ADRESSE", help="E-Mail-Adresse der Hauptansprechperson.")
@with_database
def add_customer(number, name, mail):
    """Einen Kunden anlegen und seine PIN ausgeben."""
    customer, pin = accounts.add_customer(number, name, mail, clock.now())
    click.echo(f"Kunde {customer.number} ({customer.name}) ist angelegt.")
    _print_pin(pin)


@customer.command("liste")
@as_json
@with_database
def list_customers(as_json):
    """Alle Kunden zeigen."""
    rows = [
        {
            "nummer": customer.number,
            "name": customer.name,
            "mail": customer.email,
            "gesperrt_seit": customer.locked_at and texts.moment(customer.locked_at),
        }
        for customer in Customer.by_number()
    ]
    _print_rows(rows, as_json, "Noch keine Kunden. Neu anlegen: kunde neu --nummer N --name TEXT")


@customer.command("pin")
@number
@with_database
def issue_pin(number):
    """Eine neue PIN ausgeben; die bisherige gilt dann nicht mehr."""
    customer, pin = accounts.issue_pin(number, clock.now())
    click.echo(f"Kunde {customer.number} ({customer.name}) hat eine neue PIN.")
    _print_pin(pin)


@customer.command("sperren")
@number
@with_database
def lock(number):
    """Einen Kunden sperren: keine Tickets mehr."""
    customer = accounts.lock(number, clock.now())
    click.echo(f"Kunde {customer.number} ({customer.name}) ist gesperrt.")


@customer.command("entsperren")
@number
@with_database
def unlock(number):
    """Einen Kunden wieder freigeben."""
    customer = accounts.unlock(number)
    click.echo(f"Kunde {customer.number} ({customer.name}) ist entsperrt.")


@cli.group("ticket")
def ticket():
    """Tickets ansehen."""


@ticket.command("liste")
@as_json
@with_database
def list_tickets(as_json):
    """Alle Tickets zeigen, das neueste zuerst."""
    rows = [_summary(ticket.submission) | _of_ticket(ticket) for ticket in Ticket.newest_first()]
    _print_rows(rows, as_json, "Noch keine Tickets.")


@ticket.command("zeigen")
@click.argument("code", metavar="VORGANGSNUMMER")
@as_json
@with_database
def show_ticket(code, as_json):
    """Ein Ticket mit allen Angaben, Anhängen und seinem Verlauf zeigen."""
    ticket = _find_ticket(code)
    history = [{"wann": texts.moment(event.at), "wer": event.actor, "was": event.text} for event in ticket.events]
    _print_whole(ticket.submission, _of_ticket(ticket), history, as_json)


@ticket.command("anhang")
@click.argument("code", metavar="VORGANGSNUMMER")
@click.argument("position", metavar="NR", type=click.IntRange(1))
@click.option("--ziel", "target", metavar="DATEI", help="Wohin; ohne Angabe unter dem eigenen Namen in diesen Ordner.")
@with_database
def save_attachment(code, position, target):
    """Einen Anhang eines Tickets in eine Datei schreiben."""
    found = list(_find_ticket(code).submission.attachments.order_by(Attachment.id))
    if position > len(found):
        raise click.ClickException(f"Das Ticket {code} hat {len(found)} Anhänge, keinen mit der Nummer {position}.")
    target = Path(target or found[position - 1].name)
    try:
        with attachments.open_stored(found[position - 1]) as source, target.open("xb") as file:
            file.write(source.read())
    except FileExistsError:
        raise click.ClickException(f"Die Datei {target} gibt es schon. Wählen Sie mit --ziel eine andere.") from None
    except OSError as error:
        raise click.ClickException(f"Der Anhang ließ sich nicht schreiben: {error}.") from None
    click.echo(f"Geschrieben: {target}")


@cli.group("nicht-zugeordnet")
def unmatched():
    """Anfragen, bei denen Kundennummer und PIN nicht passten."""


@unmatched.command("liste")
@as_json
@with_database
def list_unmatched(as_json):
    """Alle nicht zugeordneten Anfragen zeigen, die neueste zuerst."""
    rows = [_summary(submission) | _of_unmatched(submission) for submission in Submission.unmatched()]
    _print_rows(rows, as_json, "Es gibt keine nicht zugeordneten Anfragen.")


@unmatched.command("zeigen")
@click.argument("code", metavar="VORGANGSNUMMER")
@as_json
@with_database
def show_unmatched(code, as_json):
    """Eine nicht zugeordnete Anfrage mit allen Angaben zeigen."""
    submission = Submission.unmatched().where(Submission.code == _plain(code)).get_or_none()
    if submission is None:
        raise click.ClickException(f"Eine nicht zugeordnete Anfrage {code} gibt es nicht.")
    _print_whole(submission, _of_unmatched(submission), [], as_json)


def _find_ticket(code):
    ticket = Ticket.newest_first().where(Submission.code == _plain(code)).get_or_none()
    if ticket is None:
        raise click.ClickException(f"Ein Ticket {code} gibt es nicht.")
    return ticket


def _plain(code):
    return code.upper().replace("-", "").replace(" ", "")


def _summary(submission):
    return {
        "vorgang": submission.spoken_code,
        "eingegangen": texts.moment(submission.received_at),
        "art": submission.category.label,
        "prioritaet": submission.priority.label,
        "kundennummer": submission.customer_number,
        "von": submission.name,
        "kontaktnummer": submission.phone,
    }


def _of_ticket(ticket):
    flags = ["Vorlauf unterschritten"] if ticket.lead_time_missed else []
    return {"status": ticket.status.label, "kunde": ticket.customer.name, "hinweise": ", ".join(flags)}


def _of_unmatched(submission):
    return {"grund": submission.unmatched_reason.label}


def _print_pin(pin):
    click.echo(f"PIN: {accounts.spoken_pin(pin)}")
    click.echo("Sie wird nur dieses eine Mal angezeigt.")


def _print_rows(rows, as_json, when_empty):
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo(when_empty)
    else:
        table = [list(rows[0]), *([str(value or "") for value in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _print_whole(submission, facts, history, as_json):
    sent = forms.read_back(submission)
    files = [
        {"nr": position, "name": attachment.name, "groesse": texts.file_size(attachment.size)}
        for position, attachment in enumerate(submission.attachments.order_by(Attachment.id), start=1)
    ]
    if as_json:
        whole = _summary(submission) | facts | {"angaben": dict(sent), "anhaenge": files, "verlauf": history}
        click.echo(json.dumps(whole, indent=2))
        return
    click.echo(f"Vorgang {submission.spoken_code}, eingegangen am {texts.moment(submission.received_at)}")
    for label, text in [*((label.capitalize(), text) for label, text in facts.items() if text), *sent]:
        click.echo(f"{label}: {text}")
    for file in files:
        click.echo(f"Anhang {file['nr']}: {file['name']} ({file['groesse']})")
    for event in history:
        click.echo(f"{event['wann']} · {event['wer']}: {event['was']}")
