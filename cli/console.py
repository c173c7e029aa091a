"""How commands read and print: German help and errors, passwords, tables and JSON."""

import gettext
import json
import os
import re
import sys
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from pathlib import Path

import click
from click.exceptions import NoArgsIsHelpError

from database import database
from i18n import formats, typed_text
from logs import setup as log_setup
from services.errors import UserError
from services.operations import data_folder
from settings import StartError, settings

# Click translates its own texts ("Usage", "Missing option") with the standard gettext catalogue "messages".
os.environ["LANGUAGE"] = "de"
gettext.bindtextdomain("messages", Path(__file__).parent.parent / "translations")


@contextmanager
def _german_quotes():
    """Replace straight quotation marks by German ones in click's error messages."""
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise click.UsageError(re.sub("'([^']*)'", r"„\1“", error.format_message()), error.ctx) from None


class Command(click.Command):
    """A click command whose help and errors are German."""

    def __init__(self, *args, **options):
        super().__init__(*args, **{"options_metavar": "[OPTIONEN]"} | options)

    def parse_args(self, ctx, args):
        with _german_quotes():
            return super().parse_args(ctx, args)

    def invoke(self, ctx):
        """Run the command; an error that its user can correct ends it with one sentence."""
        try:
            return super().invoke(ctx)
        except (UserError, StartError) as error:
            raise click.ClickException(str(error)) from None


class DatabaseCommand(Command):
    """A command that runs with the data folder prepared and the database open, and logs into its files."""

    def __init__(self, *args, callback, **options):
        @wraps(callback)
        @click.pass_obj
        def run(runtime, *arguments, **values):
            is_new = not data_folder.has_database()
            runtime.prepare_data()
            if is_new:
                click.echo(
                    f"Im Datenordner {settings.data_dir} lag noch kein Portal; dort ist jetzt ein neues.", err=True
                )
            with database.connection_context(), log_setup.log_to_files():
                return callback(*arguments, **values)

        super().__init__(*args, callback=run, **options)


class Group(Command, click.Group):
    """A click group whose help and errors are German."""

    command_class, group_class = DatabaseCommand, type

    def __init__(self, *args, **options):
        super().__init__(*args, **{"subcommand_metavar": "BEFEHL …"} | options)

    def resolve_command(self, ctx, args):
        with _german_quotes():
            return super().resolve_command(ctx, args)


as_json = click.option("--json", "as_json", is_flag=True, help="Als JSON ausgeben, für Skripte.")


def ask_password():
    """Ask twice for a new password and return it; a script can pipe it in."""
    hidden = sys.stdin.isatty()
    first, second = (
        click.prompt(question, hide_input=hidden, show_default=False, default="", err=True)
        for question in ("Neues Kennwort", "Noch einmal")
    )
    if first != second:
        raise click.ClickException("Die beiden Kennwörter sind verschieden. Bitte versuchen Sie es noch einmal.")
    return first


def print_rows(rows, as_json, when_empty):
    """Print rows (dictionaries with the same keys) as a table or as JSON, or say that there are none."""
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo(when_empty)
    else:
        table = [list(rows[0]), *([display_text(value).replace("\n", " ") for value in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_json(value):
    """Print JSON for scripts: names in lower case without umlauts, times in ISO 8601, ASCII only."""
    click.echo(json.dumps(_json_value(value), indent=2))


def _json_value(value):
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {formats.slugify(name, "_"): _json_value(item) for name, item in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value


def display_text(value):
    """Return a value as text for people, without signs that could control the terminal."""
    if isinstance(value, datetime):
        return formats.local_datetime(value)
    text = ", ".join(value) if isinstance(value, list) else str(value or "")
    return typed_text.mark_control_characters(typed_text.clean_text(text))


def print_entry(text):
    """Print an entry of a list; its further lines are indented, so that typed text cannot look like another entry."""
    click.echo(text.replace("\n", "\n    "))
