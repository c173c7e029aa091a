"""Back up, restore, check, and replace a lost key: commands that also work when the portal does not start."""

import json
import sys
from contextlib import contextmanager
from pathlib import Path

import click
from peewee import DatabaseError

import clock
from cli.console import Command, Group, as_json, print_json
from database import database, init_database
from i18n import formats
from i18n.system_errors import in_german
from logs import setup as log_setup
from migrations import migrate
from services.operations import backup, data_folder, health_check, key_replacement, restore
from services.operations.health_check import Severity
from services.security.audit_log import COMMAND, SecurityEvent, log_event
from settings import settings


@contextmanager
def _existing_database(missing):
    """Open the database as it is, without migrating it; `missing` ends the error message if there is none."""
    if not data_folder.has_database():
        raise click.ClickException(f"In {settings.data_dir} liegt keine Datenbank{missing}")
    init_database(settings.database_path)
    with database.connection_context():
        yield


@click.command("sichern", cls=Command)
@click.option("--mit-schluessel", "with_key", is_flag=True, help="Auch secret.key und alle Kennwörter mit hinein.")
@click.option(
    "--ziel",
    "target",
    metavar="PFAD",
    type=click.Path(path_type=Path),
    help="Ein anderer Ordner, auch ein neuer, oder ein Dateiname mit .zip.",
)
def back_up(with_key, target):
    """Alles in ein Archiv sichern; das Portal läuft weiter."""
    is_new = target is not None and not target.exists()
    try:
        with _existing_database(". Es gibt nichts zu sichern."):
            made = backup.make(clock.now(), target, with_key)
    except DatabaseError as error:
        raise click.ClickException(
            f"Die Datenbank lässt sich nicht öffnen: {in_german(error)}. Was zu tun ist, sagt: pruefen"
        ) from None
    click.echo(f"Gesichert: {made.path} ({formats.file_size(made.size)}, Anhänge: {made.files})")
    if is_new and made.path.parent == target:
        click.echo(f"Der Ordner {target} ist neu. Liegt er auf dem Datenträger, den Sie meinen?")
    if made.faulty:
        click.echo(f"Anhänge, die fehlen oder beschädigt sind: {len(made.faulty)}. Welche, sagt: pruefen")
    if made.logo_fault:
        click.echo(f"{made.logo_fault} In der Sicherung fehlt es.")
    if with_key:
        with log_setup.log_to_files():
            log_event(SecurityEvent.KEY_COPIED, COMMAND)
        click.echo("Im Archiv liegt der Schlüssel: Wer es hat, kommt an alles. Verwahren Sie es so gut wie ihn.")
    else:
        click.echo("Ohne Schlüssel. Verwahren Sie secret.key einmal an einem anderen Ort.")


@click.command("wiederherstellen", cls=Command)
@click.argument("archive", metavar="ARCHIV", type=click.Path(path_type=Path))
def restore_backup(archive):
    """Ein Archiv in einen leeren Datenordner zurückspielen."""
    restored = restore.restore(archive, clock.now())
    with log_setup.log_to_files():
        log_event(SecurityEvent.RESTORED, COMMAND)
    click.echo(f"Wiederhergestellt in {settings.data_dir}: der Stand vom {formats.local_datetime(restored.made_at)}.")
    click.echo(f"Tickets: {restored.tickets}, Anhänge: {restored.files}")
    if restored.missing_files:
        click.echo(f"Anhänge, die schon bei der Sicherung fehlten oder beschädigt waren: {restored.missing_files}")
    if restored.held_back:
        click.echo(
            f"Im Postausgang warteten Nachrichten: {restored.held_back}. Sie gehen nicht von selbst hinaus, denn "
            "vielleicht sind sie längst angekommen. Entscheiden Sie im Postausgang unter „Nicht zustellbar“."
        )
    if not restored.has_key:
        click.echo(
            "Es fehlt secret.key: Legen Sie die Datei in diesen Ordner, bevor Sie das Portal starten, und unter Linux "
            f"danach: chmod 600 {settings.secret_key_path}. Auch Zugangsdaten (smtp_url, webhook_url, webhook_secret) "
            "standen nicht im Archiv; tragen Sie sie in config.toml wieder ein."
        )
    if restored.external_settings:
        click.echo(
            "Aus dem Archiv kommen auch Adressen, an die das Portal sich wendet oder denen es glaubt: "
            f"{', '.join(restored.external_settings)}. Sehen Sie in config.toml nach, ob es Ihre sind."
        )
    if restored.weakening:
        click.echo(
            "Aus dem Archiv kommen auch Einstellungen, die das Portal weniger schützen: "
            f"{', '.join(restored.weakening)}. Mit limits „off“ gilt keine Grenze mehr, und mit einem anderen host als "
            "127.0.0.1 erreichen andere Rechner das Portal ohne den Webserver. Wollen Sie das nicht, löschen Sie diese "
            "Zeilen in config.toml."
        )
    if restored.command:
        click.echo(
            "Der Virenscanner ist ausgeschaltet, denn er ist ein Befehl, der aus dem Archiv kommt: "
            f"{json.dumps(restored.command)}. Ist es Ihrer, nehmen Sie in config.toml das Zeichen # vor scanner weg."
        )
    click.echo("Prüfen Sie nun alles mit dem Befehl pruefen, und starten Sie dann das Portal.")


@click.command("pruefen", cls=Command)
@as_json
def check(as_json):
    """Nachsehen, ob alles in Ordnung ist."""
    findings = health_check.check(clock.now())
    faults = sum(finding.severity is Severity.FAULT for finding in findings)
    if as_json:
        print_json(
            [{"Bereich": topic, "Stand": severity.label, "Satz": sentence} for topic, severity, sentence in findings]
        )
    else:
        for topic, severity, sentence in findings:
            click.echo(f"{topic}: {severity.label}{'. ' if sentence else ''}{sentence}")
        click.echo(f"Fehler: {faults}" if faults else "Es gibt keine Fehler.")
    sys.exit(1 if faults else 0)


@click.group("schluessel", cls=Group)
def key():
    """Ein neuer Schlüssel, wenn der alte verloren ist."""


@key.command("neu", cls=Command)
def replace_key():
    """Einen verlorenen Schlüssel ersetzen; alle PINs werden ungültig."""
    try:
        with _existing_database(", an der ein Schlüssel hängt."), log_setup.log_to_files():
            migrate()
            key_replacement.refuse_if_key_is_intact()
            click.echo(
                "Der Schlüssel fehlt oder ist beschädigt. Liegt er noch irgendwo, zum Beispiel auf einem Stick oder in "
                "einer Sicherung mit Schlüssel, legen Sie ihn lieber zurück.\n"
                "Ein neuer macht alle PINs, alle zweiten Faktoren und alle Links in E-Mails für immer ungültig."
            )
            if click.prompt("Tippen Sie ja, wenn es sein soll", default="", show_default=False).strip() != "ja":
                raise click.ClickException("Es ist nichts geändert.")
            pins, second_factors = key_replacement.replace_key(clock.now())
            log_event(SecurityEvent.KEY_RENEWED, COMMAND)
    except (OSError, DatabaseError) as error:
        raise click.ClickException(f"Das ging nicht: {in_german(error)}. Was zu tun ist, sagt: pruefen") from None
    click.echo(
        f"Es gibt einen neuen Schlüssel. Ungültig sind PINs: {pins}, zweite Faktoren: "
        f"{second_factors}, und alle Links in E-Mails.\n"
        f"1. Verwahren Sie {settings.secret_key_path} gleich an einem anderen Ort.\n"
        "2. Starten Sie das Portal neu. Zum Anmelden genügt das Kennwort; schalten Sie unter Konto den zweiten Faktor "
        "wieder ein.\n"
        "3. Drucken Sie unter Kunden, PIN-Briefe drucken, für alle Kunden neue.\n"
        "4. Wartet ein Ticket auf eine Freigabe, wählen Sie dort „Freigabe noch einmal anfragen“."
    )


COMMANDS = [back_up, restore_backup, check, key]
