"""Invisible characters that were pasted with a mail domain were encoded as letters; no address was in such a domain."""

from peewee import CharField, Model

from i18n.idna import idna_domain, is_domain, readable_url
from i18n.typed_text import without_invisible


class Customer(Model):
    mail_domain = CharField(max_length=254)

    class Meta:
        legacy_table_names = False


def up(migrator, db):
    with db.bind_ctx([Customer]):
        for customer in list(Customer.select().where(Customer.mail_domain.contains("xn--"))):
            written = readable_url(customer.mail_domain)
            if written != without_invisible(written) and is_domain(written):
                customer.mail_domain = idna_domain(written)
                customer.save()
