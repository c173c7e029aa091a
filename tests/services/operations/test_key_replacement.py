"""A lost secret key: replacing it is explained, asks first, and leads to a portal that works again."""

import pytest

from app import create_app
from services.mail import delivery
from settings import StartError, settings
from tests.support.approvers import BERND
from tests.support.commands import printed, refusal
from tests.support.database import database_bytes
from tests.support.pages import Visitor
from tests.support.servers.mailbox import path_in
from tests.support.staff import is_signed_in, sign_in, with_two_factor


def lose():
    settings.secret_key_path.unlink()


def damage():
    settings.secret_key_path.write_bytes(b"kurz")


@pytest.mark.parametrize("harm", [lose, damage])
def test_start_explains_what_to_do(clara, run_command, harm):
    harm()
    with pytest.raises(StartError, match=r"zurück\. .* der Befehl „schluessel neu“ eine andere\.$"):
        create_app()
    assert "aus Ihrer Verwahrung zurück. Ist sie für immer verloren" in run_command("pruefen").stdout


@pytest.mark.parametrize("harm", [lose, damage])
def test_old_pins_links_and_second_factors_are_invalid(
    ask_approvers, signed_out, run_command, app, mailbox, caplog, harm
):
    caplog.set_level("INFO")
    bernd, _ = ask_approvers()
    path = path_in(mailbox.last_to("post@sommer.example"), "/vorgang/")
    sign_in(signed_out)
    with_two_factor()
    harm()
    output = printed(run_command("schluessel", "neu", typed="ja\n"))
    assert "Ungültig sind PINs: 1, zweite Faktoren: 1, und alle Links in E-Mails." in output
    assert "neuer Schlüssel, alle PINs und zweiten Faktoren ungültig | Quelle=Befehl" in caplog.text
    assert bernd.look().status == Visitor(app, {}).get(path).status == 404
    assert not is_signed_in(signed_out)
    sign_in(signed_out)
    assert is_signed_in(signed_out)
    create_app()


@pytest.fixture
def replaced(ask_approvers, clara, run_command):
    """A portal with a new key in place of a lost one."""
    ask_approvers()
    lose()
    printed(run_command("schluessel", "neu", typed="ja\n"))


def test_the_old_pin_is_invalid_and_a_new_one_works(replaced, anna, run_command, run_worker, tickets):
    anna.report("incident")
    run_worker()
    assert len(tickets()) == 1
    pin = printed(run_command("kunde", "pin", "--nummer", "K1001")).split("PIN: ")[1][:9]
    anna.report("incident", pin=pin)
    run_worker()
    assert len(tickets()) == 2


def test_waiting_mails_are_sent_with_valid_links(anna, approvers, run_worker, app, run_command, mailbox, monkeypatch):
    with monkeypatch.context() as without_delivery:
        without_delivery.setattr(delivery, "deliver_mails", lambda *_, **__: 0)
        anna.report("incident", priority="medium")
        run_worker()
    assert mailbox.mails == []
    lose()
    printed(run_command("schluessel", "neu", typed="ja\n"))
    run_worker()
    for address, start in (("post@sommer.example", "/vorgang/"), (BERND, "/freigabe/")):
        assert Visitor(app, {}).get(path_in(mailbox.last_to(address), start)).status == 200


def test_health_check_accepts_the_new_key(replaced, run_command):
    output = run_command("pruefen").stdout
    assert "Schlüssel: in Ordnung" in output


@pytest.mark.parametrize("typed", ["\n", "nein\n", "j\n", ""])
def test_nothing_happens_unless_it_is_confirmed(ask_approvers, run_command, typed):
    ask_approvers()
    lose()
    before = database_bytes()
    assert run_command("schluessel", "neu", typed=typed).exit_code == 1
    assert database_bytes() == before
    assert not settings.secret_key_path.exists()


def test_an_intact_key_is_not_replaced(ask_approvers, run_command):
    ask_approvers()
    before = settings.secret_key_path.read_bytes(), database_bytes()
    assert "ist da und ganz" in refusal(run_command("schluessel", "neu", typed="ja\n"))
    assert (settings.secret_key_path.read_bytes(), database_bytes()) == before


def test_a_damaged_key_is_kept_under_another_name(clara, run_command):
    damage()
    printed(run_command("schluessel", "neu", typed="ja\n"))
    assert (settings.data_dir / "secret.key.beschaedigt").read_bytes() == b"kurz"
    assert len(settings.secret_key_path.read_bytes()) == 32


def test_without_a_database_there_is_no_new_key(app, run_command):
    settings.database_path.unlink()
    lose()
    assert "keine Datenbank" in refusal(run_command("schluessel", "neu", typed="ja\n"))
    assert not settings.secret_key_path.exists()
