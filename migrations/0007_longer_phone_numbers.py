"""Words may stand beside a phone number, so its columns are longer."""

from peewee import CharField


def up(migrator, db):
    for column in ("phone", "extension", "mobile"):
        migrator.migrate(migrator.alter_column_type("submission", column, CharField(max_length=80)))
