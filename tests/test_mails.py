"""What the portal writes to whom, read from a real mail server."""

from tests.mailbox import path_in, text_of


def test_customer_gets_a_confirmation_and_the_office_a_ticket(anna, work, mailbox):
    anna.report("incident")
    work()
    assert [mail["To"] for mail in mailbox.mails] == ["post@sommer.example", "support@example.org"]
    confirmation, ticket = mailbox.mails
    assert "Vorgangsnummer" in text_of(confirmation)
    assert path_in(confirmation, "/vorgang/")
    assert path_in(ticket, "/verwaltung/ticket/")
