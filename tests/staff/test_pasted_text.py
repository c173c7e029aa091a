"""What the office pastes into its forms, searches and sign-in comes in without what nobody sees."""

from datetime import date

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, PasswordField, StringField

from database import database
from form_fields import PortalForm
from models import Contact, Customer, Staff, TextBlock
from services.staff import accounts
from tests.support.cast import NOW
from tests.support.pages import Visitor
from tests.support.pasted import with_invisible
from tests.support.staff import CUSTOMERS, NEW_CUSTOMER, sign_in, take_call, with_two_factor
from tests.support.unmatched import convert

TEXT_BLOCKS = "/verwaltung/textbausteine/neu"
PERSON = "/verwaltung/datenschutz/person"

# A password counts as it was typed, and nobody types into a hidden field.
NOT_TYPED = (HiddenField, PasswordField)

CUSTOMER = {"number": "K2001", "name": "Praxis Winter", "fully_managed": "True"}
CONTACT = {"name": "Bernd Sommer", "email": "bernd@sommer.example", "absent_from": "", "absent_until": ""}
TEXT_BLOCK = {"name": "Gruß", "text": "Guten Tag"}


def fill(visitor, path, **values):
    """Fill in the form at a URL, send it, and return the answer, which must be no error."""
    page = visitor.post(path, visitor.get(path).fields(path).to_dict() | values)
    assert page.status == 303, page.errors()
    return page


def stored(model):
    """Return the newest row of a table."""
    with database.connection_context():
        return model.select().order_by(model.id.desc()).get()


@pytest.mark.parametrize(
    ("path", "model", "valid", "name", "pasted", "expected"),
    [
        (NEW_CUSTOMER, Customer, CUSTOMER, "number", "\u200eK\u20112001\u00a0", "K-2001"),
        (NEW_CUSTOMER, Customer, CUSTOMER, "name", with_invisible("Praxis Winter"), "Praxis Winter"),
        (NEW_CUSTOMER, Customer, CUSTOMER, "name", "Praxis\r\nWinter\t", "Praxis Winter"),
        (NEW_CUSTOMER, Customer, CUSTOMER, "contact_name", "\ufeffEva\u00a0Win\u00adter", "Eva Winter"),
        (NEW_CUSTOMER, Customer, CUSTOMER, "email", "eva@win\u200bter.example\u2028", "eva@winter.example"),
        (NEW_CUSTOMER, Customer, CUSTOMER, "mail_domain", "\u00a0@\u200bWinter.example\u200b", "winter.example"),
        (
            NEW_CUSTOMER,
            Customer,
            CUSTOMER,
            "mail_domain",
            "ba\u0308ckerei\u2011win\u00adter．example",
            "xn--bckerei-winter-5hb.example",
        ),
        ("contact", Contact, CONTACT, "name", "Bernd\u200b\u2028Sommer", "Bernd Sommer"),
        ("contact", Contact, CONTACT, "email", "<mailto:bernd@sommer.example>,", "bernd@sommer.example"),
        ("contact", Contact, CONTACT, "email", "bernd@som\u200bmer.example", "bernd@sommer.example"),
        ("contact", Contact, CONTACT, "email", "ber\u00adnd@sommer.example\u00a0", "bernd@sommer.example"),
        ("contact", Contact, CONTACT, "absent_from", "\u200e24.\u00a012.\u00a02026", date(2026, 12, 24)),
        (TEXT_BLOCKS, TextBlock, TEXT_BLOCK, "name", "Gru\u00adß\u00a02", "Gruß 2"),
        (
            TEXT_BLOCKS,
            TextBlock,
            TEXT_BLOCK,
            "text",
            "Guten Tag {Na\u200bme},\u2028Danke.\x0b",
            "Guten Tag {Name},\nDanke.",
        ),
    ],
)
def test_what_was_pasted_and_what_is_stored(clara, anna, path, model, valid, name, pasted, expected):
    path = path.replace("contact", f"{CUSTOMERS}/{stored(Customer).id}/personen/neu")
    fill(clara, path, **valid | {name: pasted})
    with database.connection_context():
        *_, newest = model.select().order_by(model.id)
        assert getattr(newest, name) == expected


@pytest.mark.parametrize("domain", ["fir☃ma.example", "fir😀ma.example", "firma", "fir ma.example", "firma¨.example"])
def test_what_is_no_domain(clara, anna, domain):
    contact = f"{CUSTOMERS}/{stored(Customer).id}/personen/neu"
    for path, valid, name, value in (
        (NEW_CUSTOMER, CUSTOMER, "mail_domain", domain),
        (NEW_CUSTOMER, CUSTOMER, "email", f"eva@{domain}"),
        (contact, CONTACT, "email", f"bernd@{domain}"),
    ):
        page = clara.post(path, clara.get(path).fields(path).to_dict() | valid | {name: value})
        assert (page.status, list(page.errors())) == (422, [name])


def test_control_characters_are_marked_where_they_are(clara):
    values = clara.get(TEXT_BLOCKS).fields(TEXT_BLOCKS).to_dict() | {"name": "Gru\x1bß", "text": "Guten\x00 Tag"}
    page = clara.post(TEXT_BLOCKS, values)
    assert list(page.errors()) == ["name", "text"]
    shown = page.fields(TEXT_BLOCKS).to_dict()
    assert (shown["name"], shown["text"]) == ("Gru�ß", "Guten� Tag")
    assert clara.post(TEXT_BLOCKS, shown | {"name": "Gruß", "text": "Guten Tag"}).status == 303


def test_a_call_and_an_unmatched_request_by_a_pasted_number(clara, anna, dora, run_worker, submissions, tickets):
    take_call(clara, "incident", customer_number="K\u00a01001\u200b", phone="0211\u20115550101")
    dora.report("incident")
    run_worker()
    assert convert(clara, submissions()[-1], customer_number=with_invisible("K1001")).status == 303
    assert [ticket.submission.phone for ticket in tickets()] == ["0211-5550101", "0172 5550199"]
    assert {ticket.customer_id for ticket in tickets()} == {stored(Customer).id}


@pytest.mark.parametrize(
    "url",
    [
        "/verwaltung/tickets?text=Druc\u200bker\u00a0ha\u00adkt",
        "/verwaltung/tickets?kunde=\u200ek\u00a01001\ufeff",
        "/verwaltung/kunden?text=Bä\u00adckerei\u2028Som\u200bmer",
        "/verwaltung/kunden?text=Ba\u0308ckerei",
    ],
)
def test_searches(clara, anna, run_worker, url):
    anna.report("incident", description="Drucker hakt")
    run_worker()
    page = clara.get(url)
    assert [link for link in page.tree.iter("a") if link.get("class") == "row-title"]
    assert set("".join(page.fields().values())).isdisjoint("\u200b\u200e\u00ad\ufeff\u00a0\u2028")


@pytest.mark.parametrize(
    "url", ["/verwaltung/tickets?text=a%1Bb", "/verwaltung/kunden?text=a%00b", "/verwaltung/zahlen?kunde=%07"]
)
def test_a_search_with_a_control_character_finds_nothing_and_shows_where_it_is(clara, url):
    page = clara.get(url)
    assert page.status == 200
    assert "�" in "".join(page.fields().values()) + page.element("search").get("value", "")


def test_customer_number_in_a_link(clara, anna):
    assert clara.get("/verwaltung/anruf?kunde=K\u00a01001\u200b").fields()["customer_number"] == "K 1001"


def test_person_search(clara, anna, run_worker):
    anna.report("incident", description="Fragen Sie Jana Köh\u00adler, Durchwahl 0211\u2011555\u20110133.")
    run_worker()
    for lines in ("Ja\u200bna Köhler", "\ufeffKo\u0308hler,\u00a0Jana", "0211\u2212555\u00a00133"):
        page = clara.post(PERSON, clara.get(PERSON).fields(PERSON).to_dict() | {"lines": f"{lines}\u2028"})
        assert "Fehlerbeschreibung" in page.text_of("main"), lines


@pytest.mark.parametrize(
    "name", [with_invisible("Clara Neumann"), "Clara\u00a0Neumann", "clara\tneumann", "Cla\u00adra\u2028Neumann"]
)
def test_sign_in_with_a_pasted_name(signed_out, name):
    assert sign_in(signed_out, name=name).status == 303


@pytest.mark.parametrize("shape", ["{} {}", "{}\u00a0{}", "{}\u202f{}", "\u200e{}{}\ufeff", "{}\u2011{}", "{}\n{}"])
def test_sign_in_with_a_pasted_code(signed_out, shape):
    app, codes = with_two_factor()
    code = app.at(NOW)
    assert sign_in(signed_out, code=shape.format(code[:3], code[3:])).status == 303
    signed_out.client.delete_cookie("session")
    first, _, rest = codes[0].partition("-")
    assert sign_in(signed_out, code=shape.format(first, rest.replace("-", "\u2011"))).status == 303


def test_set_up_with_a_pasted_name(app):
    visitor, link = Visitor(app, {}), f"/verwaltung/einrichten/{accounts.setup_token()}"
    password = "vier Wolken im Tee"
    values = {"name": "Clara\u00a0\u200bNeu\u00admann", "password": password, "repeated_password": password}
    assert visitor.post(link, visitor.get(link).fields().to_dict() | values).status == 303
    member = stored(Staff)
    assert (member.name, member.login) == ("Clara Neumann", "clara neumann")


def test_ticket_by_a_pasted_code(clara, anna, run_worker, tickets):
    anna.report("incident")
    run_worker()
    code = tickets()[0].submission.spoken_code.lower().replace("-", "\u2011")
    assert clara.get(f"/verwaltung/ticket/\u200b{code}").status == 200


def text_forms():
    """Return every class of form in which a person types."""
    families = [PortalForm]
    for family in families:
        families += family.__subclasses__()
    return sorted(
        {family for family in families if family.__module__ != "form_fields"}, key=lambda family: family.__name__
    )


@pytest.mark.parametrize("form_class", text_forms(), ids=lambda form_class: form_class.__name__)
def test_every_text_field_of_every_form_is_cleaned(app, form_class):
    with app.test_request_context(), database.connection_context():
        names = [field.name for field in form_class(formdata=None)]
        form = form_class(formdata=MultiDict(dict.fromkeys(names, "\ufeff1\u00ad\u00a02\u200b")))
        typed = [field for field in form if isinstance(field, StringField) and not isinstance(field, NOT_TYPED)]
        # What the environment sets is only shown.
        typed = [field for field in typed if "disabled" not in (field.render_kw or {})]
        # The decision of an approver is a button.
        assert {field.data for field in typed if field.name != "decision"} <= {"1 2"}
