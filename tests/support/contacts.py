"""The person whom the mails for a customer go to."""

from models import Contact, Customer


def set_contact(customer=None, **values):
    """Change the main contact of a customer, by default Anna's company, or add one."""
    customer = customer or Customer.get()
    known = customer.contacts.where(Contact.is_main).first() or Contact(customer=customer, name="", is_main=True)
    for name, value in values.items():
        setattr(known, name, value)
    known.save()
