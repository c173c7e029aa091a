"""The search index is emptied, because its words have other spellings; the start fills it again."""

from playhouse.sqlite_ext import FTS5Model, SearchField


class TicketWords(FTS5Model):
    words = SearchField()
    state = SearchField()

    class Meta:
        legacy_table_names = False
        options = {"tokenize": "trigram"}


def up(migrator, db):
    with db.bind_ctx([TicketWords]):
        db.drop_tables([TicketWords], safe=False)
        db.create_tables([TicketWords], safe=False)
