"""Contacts replace approvers and the one contact of a customer; accounts have a role; PIN letters can be repeated."""

from peewee import BooleanField, CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, Model, TextField

from migrations.tables import rebuild


class Base(Model):
    class Meta:
        legacy_table_names = False


class Customer(Base):
    number = CharField(max_length=20, unique=True)
    name = CharField(max_length=100)
    phone = CharField(max_length=80)
    street = CharField(max_length=100)
    postcode = CharField(max_length=10)
    town = CharField(max_length=100)
    note = TextField()
    mail_domain = CharField(max_length=254)
    fully_managed = BooleanField()
    pin_hash = CharField(null=True)
    pin_issued_at = DateTimeField(null=True)
    locked_at = DateTimeField(null=True)
    created_at = DateTimeField()
    guessing_told_at = DateTimeField(null=True)


class Contact(Base):
    customer = ForeignKeyField(Customer, on_delete="CASCADE")
    name = CharField(max_length=100)
    phone = CharField(max_length=80)
    email = CharField(max_length=254)
    is_main = BooleanField()
    is_approver = BooleanField()
    absent_from = DateField(null=True)
    absent_until = DateField(null=True)


class Staff(Base):
    login = CharField(max_length=100, unique=True)
    name = CharField(max_length=100)
    role = CharField()
    link_hash = CharField(max_length=64, null=True, unique=True)
    link_expires_at = DateTimeField(null=True)
    password_hash = CharField()
    totp_salt = CharField(null=True)
    totp_enabled_at = DateTimeField(null=True)
    totp_last_step = IntegerField(null=True)
    locked_at = DateTimeField(null=True)
    created_at = DateTimeField()


class PinLetter(Base):
    customer = ForeignKeyField(Customer, unique=True, on_delete="CASCADE")
    staff = ForeignKeyField(Staff, on_delete="CASCADE")
    nonce = CharField(max_length=22)
    sealed = CharField(max_length=8)
    issued_at = DateTimeField()


FIRST_LEADS = (
    "CASE id WHEN (SELECT id FROM staff ORDER BY locked_at IS NOT NULL, id LIMIT 1) THEN 'lead' ELSE 'team' END"
)

REBUILT = {
    Contact: {"phone": "''", "is_main": "0", "is_approver": "1"},
    Customer: dict.fromkeys(("phone", "street", "postcode", "town", "note"), "''"),
    Staff: {"role": FIRST_LEADS, "link_hash": "NULL", "link_expires_at": "NULL"},
}

IS_THE_SAME = (
    "customer_id = customer.id AND lower(contact.name) = lower(contact_name) AND contact.email = customer.email"
)


def up(migrator, db):
    # This changes what links refer to, too: those to approvers still open.
    db.execute_sql("ALTER TABLE approver RENAME TO contact")
    with db.bind_ctx([*REBUILT, PinLetter]):
        rebuild(db, Contact, REBUILT[Contact])
        db.execute_sql(f"UPDATE contact SET is_main = 1 WHERE EXISTS (SELECT 1 FROM customer WHERE {IS_THE_SAME})")
        db.execute_sql(
            "INSERT INTO contact (customer_id, name, phone, email, is_main, is_approver) "
            "SELECT id, contact_name, '', email, 1, 0 FROM customer WHERE contact_name || email != '' "
            f"AND NOT EXISTS (SELECT 1 FROM contact WHERE {IS_THE_SAME})"
        )
        rebuild(db, Customer, REBUILT[Customer])
        rebuild(db, Staff, REBUILT[Staff])
        db.create_tables([PinLetter], safe=False)
