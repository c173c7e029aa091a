"""Limits for unmatched submissions: list and storage stay bounded, and a flood displaces only itself."""

from datetime import timedelta

import pytest

from database import database
from models import Attachment, Submission
from services.background import worker
from services.intake import intake, unmatched
from settings import settings
from tests.support.cast import NOW
from tests.support.database import files_on_disk
from tests.support.unmatched import UNMATCHED, add_unmatched, unmatched_descriptions


def next_of(page):
    return next((link.get("href") for link in page.tree.iter("a") if link.get("rel") == "next"), None)


def codes_of(page):
    links = [link.get("href") for link in page.tree.iter("a") if link.get("class") == "row-title"]
    return [link.rpartition("/")[2] for link in links]


def test_a_large_group_folds_and_can_be_read_to_its_end(clara):
    add_unmatched(0, 120, address="203.0.113.7")
    add_unmatched(500, 1, "ehrlich", "198.51.100.1")
    page = clara.get(UNMATCHED)
    assert len(codes_of(page)) == 1 + unmatched.GROUP_PREVIEW_SIZE
    (fold,) = [element for element in page.tree.iter("details") if element.find("ol") is not None]
    assert fold.find("summary").text == "120 Anfragen zeigen"
    link = next(
        element.get("href") for element in page.tree.iter("a") if element.text == "Alle 120 Anfragen dieser Gruppe"
    )
    seen = []
    while link:
        page = clara.get(link)
        seen += codes_of(page)
        link = next_of(page)
    assert len(seen) == len(set(seen)) == 120


def test_many_groups_come_page_by_page(clara):
    add_unmatched(0, 2 * unmatched.GROUPS_PER_PAGE + 1)
    link, seen = UNMATCHED, []
    while link:
        page = clara.get(link)
        seen.append(len(codes_of(page)))
        link = next_of(page)
    assert seen == [unmatched.GROUPS_PER_PAGE, unmatched.GROUPS_PER_PAGE, 1]


@pytest.mark.parametrize(("most", "deleted"), [(4, 1), (5, 0), (6, 0)])
def test_as_many_as_the_settings_allow_stay(app, most, deleted):
    settings.unmatched_most = most
    add_unmatched(0, 5)
    assert make_room() == deleted


@pytest.mark.parametrize(("mebibytes", "deleted"), [(9, 1), (10, 0), (11, 0)])
def test_as_many_bytes_as_the_settings_allow_stay(app, mebibytes, deleted):
    settings.unmatched_total_mib = mebibytes
    add_unmatched(0, 2)
    for number in range(2):
        attach(f"Flut {number}", 5)
    assert make_room() == deleted


@pytest.mark.parametrize(("later", "stays"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_unmatched_requests_stay_for_the_configured_days(app, later, stays):
    add_unmatched(0, 1)
    with database.connection_context():
        unmatched.sweep(NOW + timedelta(days=settings.unmatched_days) + later)
    assert (unmatched_descriptions() != []) == stays


@pytest.mark.parametrize(("later", "kept"), [(timedelta(seconds=-1), 1), (timedelta(0), 0)])
@pytest.mark.parametrize("is_discarded_before", [True, False])
def test_the_row_of_a_discarded_one_stays_until_its_receipt_closes(app, is_discarded_before, later, kept):
    add_unmatched(0, 1)
    moment = NOW + settings.receipt_lifetime + later
    with database.connection_context():
        if is_discarded_before:
            unmatched.discard(Submission.get(), NOW)
            unmatched.sweep(moment)
        else:
            unmatched.discard(Submission.get(), moment)
        assert Submission.select().count() == kept


@pytest.mark.parametrize(("spare", "closed"), [(-1, 1), (0, 0), (1, 0)])
def test_receipts_close_when_the_texts_of_discarded_ones_take_more_than_they_may(app, monkeypatch, spare, closed):
    add_unmatched(0, 2)
    size = 2 * (unmatched.ROW_OVERHEAD_CHARACTERS + len("Flut 0"))
    monkeypatch.setattr(unmatched, "MAX_DISCARDED_CHARACTERS", size + spare)
    with database.connection_context():
        unmatched.discard_group(Submission.get(Submission.description == "Flut 1"), NOW)
        unmatched.discard_group(Submission.get(Submission.description == "Flut 0"), NOW)
        unmatched.sweep(NOW)
        assert unmatched.last_closed_receipt_id() == closed


def make_room():
    with database.connection_context():
        return unmatched.make_room(NOW)


def test_a_flood_from_one_network_of_ipv6_counts_as_one_address(app):
    settings.unmatched_most = 10
    add_unmatched(0, 2, "ehrlich", "198.51.100.1")
    add_unmatched(500, 30, address="2001:db8:0:1::{}", customer_number="K2{:03}")
    make_room()
    assert [text.split()[0] for text in unmatched_descriptions()] == ["ehrlich"] * 2 + ["Flut"] * 8


def test_a_flood_from_all_networks_of_a_connection_counts_as_one_address(app):
    settings.unmatched_most = 10
    add_unmatched(0, 2, "ehrlich", "2001:db8:1:7::{}", "K10{:02}")
    add_unmatched(500, 30, address="2001:db8:2:{}::1", customer_number="K2{:03}")
    make_room()
    assert [text.split()[0] for text in unmatched_descriptions()] == ["ehrlich"] * 2 + ["Flut"] * 8


def test_no_flood_displaces_requests_with_the_correct_pin(app):
    """Not even if it comes later, with the same number, and from as many addresses as it has requests."""
    settings.unmatched_most = 10
    add_unmatched(0, 3, "ehrlich", "198.51.100.1", reason="guessed")
    add_unmatched(500, 30)
    make_room()
    assert [text.split()[0] for text in unmatched_descriptions()] == ["ehrlich"] * 3 + ["Flut"] * 7
    add_unmatched(900, 30, address="198.51.100.1")
    make_room()
    assert [text.split()[0] for text in unmatched_descriptions()] == ["ehrlich"] * 3 + ["Flut"] * 7


def test_of_requests_with_the_correct_pin_the_oldest_goes(app):
    settings.unmatched_most = 3
    add_unmatched(0, 5, reason="guessed")
    make_room()
    assert unmatched_descriptions() == ["Flut 2", "Flut 3", "Flut 4"]


def test_addresses_of_ipv4_written_as_ipv6_are_told_apart(app):
    settings.unmatched_most = 10
    add_unmatched(0, 4, "ehrlich", "::ffff:198.51.100.{}", "K2{:03}")
    add_unmatched(500, 8, address="::ffff:203.0.113.7", customer_number="K3{:03}")
    make_room()
    assert [text.split()[0] for text in unmatched_descriptions()] == ["ehrlich"] * 4 + ["Flut"] * 6


def test_without_any_group_the_oldest_goes(app):
    settings.unmatched_most = 3
    add_unmatched(0, 5, customer_number="K1{:03}")
    make_room()
    assert unmatched_descriptions() == ["Flut 2", "Flut 3", "Flut 4"]


def test_of_two_equal_groups_the_older_loses_its_oldest(app):
    settings.unmatched_most = 3
    add_unmatched(0, 2, "erste", "203.0.113.7")
    add_unmatched(500, 2, "zweite", "203.0.113.8")
    make_room()
    assert unmatched_descriptions() == ["erste 1", "zweite 0", "zweite 1"]


def attach(description, mebibytes):
    """Give a submission an attachment of this size on record, with a file of one byte."""
    with database.connection_context():
        submission = Submission.get(Submission.description == description)
        name = f"{submission.id:032}"
        (settings.files_dir / name).write_bytes(b"x")
        Attachment.create(
            draft=submission.draft,
            submission=submission,
            stored_name=name,
            name="Foto.png",
            media_type="image/png",
            digest=name,
            size=mebibytes * 1024 * 1024,
            address=submission.address,
            staged_at=NOW,
        )


def test_a_flood_of_bytes_spares_an_honest_request_and_texts_without_files(app):
    settings.unmatched_total_mib = 60
    add_unmatched(0, 1, "ehrlich", "198.51.100.1")
    add_unmatched(100, 5, "Text", "198.51.100.2")
    add_unmatched(500, 6, address="203.0.113.7")
    attach("ehrlich 0", 30)
    for number in range(6):
        attach(f"Flut {number}", 10)
    assert make_room() == 3
    assert unmatched_descriptions() == [
        "ehrlich 0",
        *(f"Text {number}" for number in range(5)),
        "Flut 3",
        "Flut 4",
        "Flut 5",
    ]
    assert len(files_on_disk()) == 4


def test_texts_without_files_stay_when_there_are_too_many_bytes(app):
    settings.unmatched_total_mib = 10
    add_unmatched(0, 3, "Text", "198.51.100.{}", "K1{:03}")
    add_unmatched(500, 2, "Datei", "203.0.113.{}", "K2{:03}")
    for number in range(2):
        attach(f"Datei {number}", 10)
    assert make_room() == 1
    assert unmatched_descriptions() == ["Text 0", "Text 1", "Text 2", "Datei 1"]


def test_the_worker_logs_once_per_sweep_how_many_went(app, monkeypatch, caplog):
    settings.unmatched_most = 3
    add_unmatched(9000, 1)
    with database.connection_context():
        Submission.update(state="pending", unmatched_reason=None).execute()
    monkeypatch.setattr(intake, "admit", lambda *_: {})
    portals_worker = worker.Worker()
    with database.connection_context():
        portals_worker.tick(NOW)
    for round_number in range(4):
        add_unmatched(1000 * round_number, 5, f"Runde {round_number}")
        with database.connection_context():
            portals_worker.tick(NOW + timedelta(minutes=20 * round_number))
    assert [record.getMessage() for record in caplog.records] == [
        "Zu viele nicht zugeordnete Anfragen: Das Portal hat 17 verworfen, um Platz zu machen."
    ]
