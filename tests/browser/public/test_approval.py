"""The approver's page in Chromium: narrow and wide, light and dark, and a decision by two taps."""

import threading
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from werkzeug.serving import WSGIRequestHandler, make_server

from database import database
from models import Contact, Customer
from services.customers import customers
from tests.support.approvers import BERND
from tests.support.browser.checks import UNBROKEN, fits_narrow_screens, is_accessible
from tests.support.browser.tab import TIMEOUT_MS, Tab
from tests.support.servers.mailbox import path_in
from tests.support.staff import TicketPage

PHONE = {"width": 360, "height": 740}


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        """Log nothing."""


@pytest.fixture
def phone(app, browser, tmp_path):
    """Bernd's phone, with this test's portal open."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    context = browser.new_context(base_url=url, viewport=PHONE, has_touch=True, locale="de-DE")
    context.set_default_timeout(TIMEOUT_MS)
    tab = Tab(context, SimpleNamespace(url=url), {}, tmp_path)
    yield tab
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    tab.check()


def is_fine(tab):
    is_accessible(tab)
    fits_narrow_screens(tab)
    tab.page.set_viewport_size(PHONE)


def test_deciding_on_a_phone(phone, anna, run_worker, mailbox, clara, tickets):
    with database.connection_context():
        approver = Contact.create(is_approver=True, customer=Customer.get(), name=UNBROKEN, email=BERND)
    anna.report("warranty", description=f"Der Akku lädt nicht.\n{UNBROKEN}", name=UNBROKEN, priority="high")
    run_worker()
    path = path_in(mailbox.last_to(BERND), "/freigabe/")
    phone.open(path)
    # Nobody has to scroll to approve.
    assert phone.page.get_by_role("button", name="Freigeben").bounding_box()["y"] < PHONE["height"] - 50
    is_fine(phone)
    TicketPage(clara, tickets()[0]).act("vor-freigabe-beginnen", UNBROKEN)
    phone.page.get_by_role("button", name="Ablehnen").tap()
    phone.focus_is_on(".summary")
    is_fine(phone)
    phone.page.get_by_role("link", name="Bitte schreiben Sie, warum Sie ablehnen.").tap()
    phone.focus_is_on("#reason")
    phone.page.keyboard.type(UNBROKEN)
    phone.page.get_by_role("button", name="Ablehnen").tap()
    expect(phone.at("h1")).to_have_text("Nicht freigegeben")
    is_fine(phone)
    with database.connection_context():
        customers.remove_contact(approver)
    phone.open(path)
    expect(phone.at("h1")).to_have_text("Dieser Link ist nicht mehr gültig")
    is_fine(phone)
