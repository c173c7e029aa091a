"""Start here: one command, with the settings read and the data folder ready."""

import gc
import os
import sys
import tempfile
from io import TextIOWrapper
from pathlib import Path
from types import SimpleNamespace

from peewee import DatabaseError

import clock
from cli import commands
from database import database, init_database
from logs import setup as log_setup
from migrations import migrate
from services import search
from services.operations import data_folder, instance_lock, settings_file
from services.security import keys
from settings import CONFIG_FILE, StartError, settings, toml_line


def create_app():
    """Create the Flask app from the settings, with its data ready; raises StartError."""
    prepare_data()
    # Imported only here: commands need no web pages, which take half of a start.
    from server import web

    return web.create_app()


def prepare_data():
    """Prepare the data folder with its secret key and an up-to-date database; raises StartError."""
    try:
        data_folder.prepare()
        init_database(settings.database_path)
        with database.connection_context():
            migrate()
            search.index_missing()
            keys.prepare_secret_key()
        settings_file.keep_last_good()
    except (OSError, DatabaseError) as error:
        raise StartError(data_folder.start_error(error)) from None


def serve(greeting=""):
    """Serve the portal until it is stopped."""
    with instance_lock.hold():
        # All that a start makes is kept: searching it for garbage would only take time, also later on.
        gc.disable()
        # Imported only here, as above.
        from server import web

        app = create_app()
        gc.freeze()
        gc.enable()
        web.run(app, greeting)


def serve_demo(ticket_count):
    """Serve the portal with sample data in a temporary folder, which is deleted at the end."""
    # Imported only here: no other command needs it.
    from demo import seed

    with tempfile.TemporaryDirectory(prefix="meldeportal-demo-", ignore_cleanup_errors=True) as folder:
        config = "".join(toml_line(name, value) for name, value in seed.DEMO_OFFICE.items())
        (Path(folder) / CONFIG_FILE).write_text(config, encoding="utf-8")
        settings.load({**os.environ, "TICKET_DATA_DIR": folder} | seed.DEMO_ENVIRONMENT)
        prepare_data()
        with database.connection_context():
            greeting = seed.add_sample_data(clock.now(), ticket_count)
        serve(greeting)
    print("Das Meldeportal ist beendet, die Beispieldaten sind gelöscht.")


def main():
    """Run one command; an error that prevents its start is printed as one German sentence."""
    # Files are readable by the portal's own user only.
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # On Windows, redirected output uses an 8-bit encoding; a name that it lacks must not end the command.
            stream.reconfigure(errors="backslashreplace")
    log_setup.log_to_console()
    try:
        settings.load(os.environ)
        if settings.config_fault:
            print(f"Warnung: {settings.config_fault} Es gelten die letzten brauchbaren Werte.", file=sys.stderr)
        commands.cli(
            obj=SimpleNamespace(prepare_data=prepare_data, serve=serve, serve_demo=serve_demo), prog_name="start.py"
        )
    except StartError as error:
        sys.exit(f"Fehler: {error}")
    finally:
        # The last one to close the database empties its write-ahead log.
        database.close_idle()


if __name__ == "__main__":
    main()
