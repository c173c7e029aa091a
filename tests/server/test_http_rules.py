"""Rules for every response: headers, error pages, the list of routes, and only POST changes anything."""

import gzip
import hashlib
import io
import re
from datetime import timedelta

import pytest
from werkzeug.test import encode_multipart

from app import create_app
from database import database
from models import Submission
from services.files import attachments
from services.intake import intake
from services.security import proxy_check
from services.security.audit_log import SecurityEvent
from settings import VERSION, settings
from tests.support.cast import NOW
from tests.support.database import snapshot
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import (
    BUDGET_BYTES,
    BUDGET_REQUESTS,
    EXAMPLES,
    HTMX,
    OPTIONAL,
    STATIC,
    TOO_LARGE,
    Page,
    Visitor,
    check_headers,
    fail,
    static_urls,
    without_random,
)
from views.shared.file_form import SUBMISSION_KEY

ROUTES = {
    "/": {"GET", "POST"},
    "/anhaenge": {"POST"},
    "/anhaenge/entfernen": {"POST"},
    "/eingegangen/<code>": {"GET"},
    "/felder": {"POST"},
    "/freigabe/<token>": {"GET", "POST"},
    "/freigabe/<token>/sprache": {"GET", "POST"},
    "/healthz": {"GET", "OPTIONS"},
    "/hilfe": {"GET"},
    "/static/<public_name>": {"GET"},
    "/sprache": {"GET", "POST"},
    "/vorgang/<token>": {"GET", "POST"},
    "/vorgang/<token>/anhaenge": {"POST"},
    "/vorgang/<token>/anhaenge/entfernen": {"POST"},
    "/vorgang/<token>/anhang/<int:attachment_id>": {"GET"},
    "/vorgang/<token>/sprache": {"GET", "POST"},
    "/prioritaet": {"POST"},
    "/vorlauf": {"POST"},
    "/verwaltung/": {"GET"},
    "/verwaltung/abmelden": {"POST"},
    "/verwaltung/anmelden": {"GET", "POST"},
    "/verwaltung/datenschutz": {"GET"},
    "/verwaltung/datenschutz/person": {"GET", "POST"},
    "/verwaltung/datenschutz/person/auskunft": {"POST"},
    "/verwaltung/datenschutz/person/loeschen": {"POST"},
    "/verwaltung/datenschutz/person/loeschen/ausfuehren": {"POST"},
    "/verwaltung/datenschutz/verzeichnis": {"GET"},
    "/verwaltung/einrichten/<token>": {"GET", "POST"},
    "/verwaltung/konto": {"GET"},
    "/verwaltung/konto/abmelden": {"POST"},
    "/verwaltung/konto/kennwort": {"POST"},
    "/verwaltung/konto/zweiter-faktor": {"POST"},
    "/verwaltung/konto/zweiter-faktor/abschalten": {"POST"},
    "/verwaltung/konto/zweiter-faktor/bestaetigen": {"POST"},
    "/verwaltung/konto/zweiter-faktor/codes": {"POST"},
    "/verwaltung/kunden": {"GET"},
    "/verwaltung/kunden.csv": {"GET"},
    "/verwaltung/buero": {"GET", "POST"},
    "/verwaltung/buero/farbe": {"POST"},
    "/verwaltung/konten": {"GET", "POST"},
    "/verwaltung/konten/<int:staff_id>": {"GET"},
    "/verwaltung/konten/<int:staff_id>/entsperren": {"POST"},
    "/verwaltung/konten/<int:staff_id>/link": {"POST"},
    "/verwaltung/konten/<int:staff_id>/ohne-zweiten-faktor": {"POST"},
    "/verwaltung/konten/<int:staff_id>/rolle": {"POST"},
    "/verwaltung/konten/<int:staff_id>/sperren": {"POST"},
    "/verwaltung/konto-einrichten/<token>": {"GET", "POST"},
    "/verwaltung/kunden/<int:customer_id>": {"GET", "POST"},
    "/verwaltung/kunden/<int:customer_id>/entsperren": {"POST"},
    "/verwaltung/kunden/<int:customer_id>/personen/<int:contact_id>": {"GET", "POST"},
    "/verwaltung/kunden/<int:customer_id>/personen/<int:contact_id>/entfernen": {"GET", "POST"},
    "/verwaltung/kunden/<int:customer_id>/personen/neu": {"GET", "POST"},
    "/verwaltung/kunden/<int:customer_id>/pin": {"GET", "POST"},
    "/verwaltung/kunden/<int:customer_id>/pin-brief": {"GET"},
    "/verwaltung/kunden/<int:customer_id>/sperren": {"GET", "POST"},
    "/verwaltung/kunden/einlesen": {"GET", "POST"},
    "/verwaltung/kunden/einlesen/ausfuehren": {"POST"},
    "/verwaltung/kunden/einlesen/muster.csv": {"GET"},
    "/verwaltung/kunden/neu": {"GET", "POST"},
    "/verwaltung/kunden/pin-briefe": {"GET", "POST"},
    "/verwaltung/kunden/pin-briefe/<run>": {"GET"},
    "/verwaltung/anruf": {"GET", "POST"},
    "/verwaltung/anruf/anhaenge": {"POST"},
    "/verwaltung/anruf/anhaenge/entfernen": {"POST"},
    "/verwaltung/anruf/felder": {"POST"},
    "/verwaltung/anruf/kunde": {"POST"},
    "/verwaltung/anruf/prioritaet": {"POST"},
    "/verwaltung/anruf/vorlauf": {"POST"},
    "/verwaltung/nicht-zugeordnet": {"GET"},
    "/verwaltung/nicht-zugeordnet/<code>": {"GET"},
    "/verwaltung/nicht-zugeordnet/<code>/gruppe": {"GET"},
    "/verwaltung/nicht-zugeordnet/<code>/gruppe/verwerfen": {"POST"},
    "/verwaltung/nicht-zugeordnet/<code>/umwandeln": {"POST"},
    "/verwaltung/nicht-zugeordnet/<code>/verwerfen": {"POST"},
    "/verwaltung/postausgang": {"GET"},
    "/verwaltung/postausgang/<int:message_id>": {"GET"},
    "/verwaltung/postausgang/<int:message_id>/erneut": {"POST"},
    "/verwaltung/postausgang/<int:message_id>/verwerfen": {"POST"},
    "/verwaltung/postausgang/erneut": {"POST"},
    "/verwaltung/postausgang/testmail": {"POST"},
    "/verwaltung/postausgang/verwerfen": {"POST"},
    "/verwaltung/anhang/<int:attachment_id>": {"GET"},
    "/verwaltung/anhang/<int:attachment_id>/vorschau": {"GET"},
    "/verwaltung/ticket/<code>/kalender/eintritt.ics": {"GET"},
    "/verwaltung/ticket/<code>": {"GET"},
    "/verwaltung/textbausteine": {"GET"},
    "/verwaltung/textbausteine/<int:block_id>": {"GET", "POST"},
    "/verwaltung/textbausteine/<int:block_id>/entfernen": {"POST"},
    "/verwaltung/textbausteine/neu": {"GET", "POST"},
    "/verwaltung/ticket/<code>/<slug>": {"POST"},
    "/verwaltung/ticket/<code>/<slug>/textbaustein": {"POST"},
    "/verwaltung/ticket/<code>/anhaenge": {"POST"},
    "/verwaltung/ticket/<code>/anhaenge/entfernen": {"POST"},
    "/verwaltung/tickets": {"GET"},
    "/verwaltung/tickets.csv": {"GET"},
    "/verwaltung/tickets/auswahl/<slug>": {"POST"},
    "/verwaltung/tickets/drucken": {"POST"},
    "/verwaltung/zahlen": {"GET"},
    "/verwaltung/zahlen.csv": {"GET"},
}

LONG_TEXT = {"description": "x" * 2 * 1024**2}
BOUNDARY, BODY = encode_multipart(LONG_TEXT)
LONG_PART = {"data": BODY, "content_type": f"multipart/form-data; boundary={BOUNDARY}"}


def test_headers_of_other_responses(anna):
    for url in ["/healthz", *static_urls(anna.get("/"))]:
        answer = anna.client.get(url)
        assert answer.status_code == 200
        check_headers(answer)


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "heading"),
    [
        ("GET", "/gibt-es-nicht", {}, 404, "Diese Seite gibt es nicht"),
        ("POST", "/gibt-es-nicht", {}, 404, "Diese Seite gibt es nicht"),
        ("GET", "/static/portal.css", {}, 404, "Diese Seite gibt es nicht"),
        ("GET", "/static/../app.py", {}, 404, "Diese Seite gibt es nicht"),
        ("GET", "/felder", {}, 405, "So geht es hier nicht"),
        ("DELETE", "/", {}, 405, "So geht es hier nicht"),
        ("POST", "/hilfe", {}, 405, "So geht es hier nicht"),
        ("POST", "/", {"environ_overrides": TOO_LARGE}, 413, "Das ist zu viel auf einmal"),
        ("POST", "/anhaenge", {"environ_overrides": TOO_LARGE, "headers": HTMX}, 413, "Das ist zu viel auf einmal"),
        ("POST", "/", {"data": LONG_TEXT}, 413, "Das ist zu viel auf einmal"),
        ("POST", "/", LONG_PART, 413, "Das ist zu viel auf einmal"),
    ],
)
def test_error_page(anna, method, path, options, status, heading):
    answer = anna.client.open(path, method=method, **options)
    page = Page(answer)
    assert page.status == status
    assert page.tree.findtext(".//h1") == heading
    assert heading in page.title
    # Answers of a web server in front lack this header.
    assert answer.headers["Portal-Error"] == "yes"
    assert "Zum Formular" in [link.text for link in page.tree.iter("a")]


@pytest.mark.parametrize(
    ("method", "path", "status", "advice"),
    [
        ("GET", "/verwaltung/gibt-es-nicht", 404, "inzwischen gelöscht"),
        ("GET", "/verwaltung/ticket/ZZZZZZZZ", 404, "inzwischen gelöscht"),
        ("DELETE", "/verwaltung/tickets", 405, "Bitte gehen Sie zurück"),
    ],
)
def test_error_page_of_the_staff_area(clara, method, path, status, advice):
    page = Page(clara.client.open(path, method=method))
    assert page.status == status
    assert advice in page.text_of("main")
    assert [link.get("href") for link in page.element("main").iter("a")] == ["/verwaltung/"]


def test_every_route_refuses_other_methods_and_names_its_own(anna, clara):
    for visitor in (anna, clara):
        for route, methods in ROUTES.items():
            url = re.sub("<(int:)?[a-z_]+>", "1", route)
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - methods:
                answer = visitor.client.open(url, method=method)
                assert answer.status_code == 405, (method, route)
                assert answer.allow.as_set() - {"head"} == {method.lower() for method in methods}
                check_headers(answer)


def test_version_is_in_the_footer_of_the_staff_area_only(clara, anna):
    (footer,) = clara.get("/verwaltung/").tree.iter("footer")
    assert "".join(footer.itertext()).strip() == f"Meldeportal {VERSION}"
    for url in ("/", "/verwaltung/anmelden"):
        assert VERSION not in anna.get(url).text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_server_error_on_a_page(anna, monkeypatch, headers):
    monkeypatch.setattr(Submission, "pending", fail)
    page = anna.get("/healthz", headers=headers)
    assert page.status == 500
    assert page.tree.findtext(".//h1") == "Bei uns ist ein Fehler aufgetreten"
    assert "brought about" not in page.text


@pytest.mark.parametrize("category", EXAMPLES)
def test_server_error_loses_nothing_typed(anna, monkeypatch, submissions, category):
    values = anna.filled(category, **OPTIONAL[category])
    with monkeypatch.context() as patch:
        patch.setattr(intake, "receive", fail)
        page = anna.post("/", values)
    assert page.status == 500
    assert page.title.startswith("Fehler: ")
    assert "noch nicht eingegangen" in page.text_of("request-form")
    assert {name: page.fields()[name] for name in values if name != "csrf_token"} == {
        name: value for name, value in values.items() if name != "csrf_token"
    }
    assert anna.post("/", page.fields()).status == 303
    assert len(submissions()) == 1


@pytest.mark.parametrize("broken", [(attachments, "stage"), (database, "connect")])
def test_server_error_of_disk_or_database(anna, monkeypatch, broken):
    values = anna.filled("incident")
    with monkeypatch.context() as patch:
        patch.setattr(*broken, fail)
        page = anna.post("/", values | {"files": (io.BytesIO(SMALL_PNG), "Foto.png")})
    assert page.status == 500
    assert page.fields()["description"] == values["description"]
    assert page.fields()["pin"] == values["pin"]


def test_server_error_with_htmx(anna, monkeypatch):
    monkeypatch.setattr(intake, "receive", fail)
    page = anna.post("/", anna.filled("incident"), headers=HTMX)
    assert page.status == 500


def test_list_of_routes(app):
    rules = {}
    for rule in app.url_map.iter_rules():
        rules[rule.rule] = rules.get(rule.rule, set()) | rule.methods - {"HEAD"}
    assert rules == ROUTES


def test_no_form_works_without_its_token(app, anna, caplog):
    caplog.set_level("INFO")
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods:
            caplog.clear()
            anna.client.post(re.sub("<[^>]+>", "1", rule.rule), data={"draft": "x" * 22})
            assert SecurityEvent.TOKEN_MISSING in caplog.text, rule


def test_only_post_changes_anything(anna):
    code = anna.report("incident").response.request.path.rpartition("/")[2]
    stylesheet = static_urls(anna.get("/"))[0].rpartition("/")[2]
    before = snapshot()
    assert any("Anna Sommer" in line for line in before[0])
    for route in ROUTES:
        url = route.replace("<code>", code).replace("<public_name>", stylesheet)
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            anna.client.open(f"{url}?art=garantie&draft=x&attachment=x&description=x", method=method)
    assert snapshot() == before


def test_cookie(anna):
    anna.report("incident")
    cookie = anna.client.get_cookie("session")
    assert (cookie.http_only, cookie.same_site, cookie.path, cookie.secure) == (True, "Lax", "/", False)
    assert cookie.expires is None


def test_with_https_the_cookie_is_limited_to_this_host(anna, submissions, monkeypatch):
    monkeypatch.setattr(settings, "base_url", "https://melden.sommer.example")
    secure = Visitor(create_app(), anna.known)
    options = {"base_url": settings.base_url, "headers": {"Referer": f"{settings.base_url}/"}}
    form = secure.get("/", **options)
    cookie = form.response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "; Secure; HttpOnly; Path=/; SameSite=Lax" in cookie
    assert "Domain" not in cookie
    values = form.fields().to_dict() | secure.known | EXAMPLES["incident"] | {"category": "incident"}
    answers = [form, secure.post("/", values, **options), secure.get("/gibt-es-nicht", **options)]
    assert [answer.status for answer in answers] == [200, 303, 404]
    assert {answer.response.headers["Strict-Transport-Security"] for answer in answers} == {"max-age=31536000"}
    assert len(submissions()) == 1


def test_without_https_there_is_no_hsts_header(anna):
    assert "Strict-Transport-Security" not in anna.get("/").response.headers


HEALTH_METHODS = {"get", "head", "options"}


def test_health_tells_a_page_that_does_not_render(anna, monkeypatch):
    def fail(*_, **__):
        raise OSError("The template is gone.")

    monkeypatch.setattr("views.public.request.render_template", fail)
    assert anna.client.get("/healthz").status_code == 500


def test_health_tells_a_worker_that_does_nothing(anna, monkeypatch, advance_clock):
    monkeypatch.setattr("services.background.worker._pulse", [NOW])
    assert anna.client.get("/healthz").status_code == 200
    advance_clock(minutes=11)
    assert anna.client.get("/healthz").status_code == 503


def test_health(anna, run_worker):
    assert anna.client.get("/healthz").json == {"status": "ok", "version": VERSION}
    anna.report("incident")
    for minutes, status in ((9, 200), (11, 503)):
        with database.connection_context():
            Submission.update(received_at=NOW - timedelta(minutes=minutes)).execute()
        assert anna.client.get("/healthz").status_code == status
        for method in ("HEAD", "OPTIONS"):
            answer = anna.client.open("/healthz", method=method)
            assert (answer.status_code, answer.data, answer.allow.as_set()) == (status, b"", HEALTH_METHODS)
    assert "warten zu lange" in anna.client.get("/healthz").json["status"]
    run_worker()
    assert anna.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("probe", "is_answered"),
    [
        (lambda: proxy_check.make_probe(NOW), True),
        (lambda: proxy_check.make_probe(NOW - timedelta(seconds=60)), True),
        (lambda: proxy_check.make_probe(NOW - timedelta(seconds=61)), False),
        (lambda: proxy_check.make_probe(NOW + timedelta(seconds=61)), False),
        (lambda: f"{NOW.timestamp():.0f}.{'0' * 64}", False),
        (lambda: f"{proxy_check.make_probe(NOW)}0", False),
        (lambda: "ä", False),
    ],
)
def test_only_a_new_probe_with_the_key_is_told_what_the_portal_sees(anna, probe, is_answered):
    connection = {proxy_check.CONNECTION: proxy_check.Connection("127.0.0.1", True, "198.51.100.7")}
    answer = anna.client.get("/healthz", headers={"Portal-Probe": probe()}, environ_overrides=connection)
    seen = {"host": "localhost", "peer": "127.0.0.1", "is_trusted": True, "forwarded_for": "198.51.100.7"}
    assert answer.json == {"status": "ok", "version": VERSION} | ({"seen": seen} if is_answered else {})


def test_static_files_are_compressed_and_immutable(anna):
    for url in static_urls(anna.get("/")):
        plain = anna.client.get(url)
        compressed = anna.client.get(url, headers={"Accept-Encoding": "gzip, deflate, br"})
        assert "Content-Encoding" not in plain.headers
        assert compressed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(compressed.data) == plain.data
        assert re.search(r"\.([0-9a-f]{12})\.", url)[1] == hashlib.sha256(plain.data).hexdigest()[:12]
        for answer in (plain, compressed):
            assert answer.headers["Cache-Control"] == STATIC
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("accepted", ["", "br", "identity", "gzip;q=0", "identity, gzip;q=0.0", "gzip" + ",br" * 1000])
def test_static_files_for_clients_without_gzip(anna, accepted):
    url = static_urls(anna.get("/"))[0]
    answer = anna.client.get(url, headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.data == anna.client.get(url).data


@pytest.mark.parametrize("path", ["/", "/?lang=en", "/hilfe"])
def test_prepared_pages_are_the_same_compressed(app, path):
    for _ in range(2):
        plain, page = (Visitor(app, {}).get(path, headers=headers) for headers in ({}, {"Accept-Encoding": "gzip"}))
        assert "Content-Encoding" not in plain.response.headers
        assert page.response.headers["Content-Encoding"] == "gzip"
        assert without_random(page.text) == without_random(plain.text)
        assert {"Accept-Encoding", "Accept-Language"} <= set(page.response.vary)


@pytest.mark.parametrize("path", ["/", "/?kunde=K1001&art=garantie", "/hilfe"])
def test_first_pages_need_no_database(anna, monkeypatch, path):
    monkeypatch.setattr(database, "connect", lambda: pytest.fail("opened"))
    assert anna.client.get(path).status_code == 200


def test_first_visit_is_small_and_uses_no_other_host(app):
    visitor = Visitor(app, {})
    page = visitor.get("/", headers={"Accept-Encoding": "gzip"})
    answers = [page.response]
    for url in static_urls(page):
        assert url.startswith("/static/")
        answers.append(visitor.client.get(url, headers={"Accept-Encoding": "gzip"}))
    # The office's logo may be one more.
    assert len(answers) < BUDGET_REQUESTS
    assert sum(len(answer.data) + len(str(answer.headers)) for answer in answers) < BUDGET_BYTES
    stylesheet = visitor.client.get(static_urls(page)[0]).text
    assert "url(" not in stylesheet
    assert "@import" not in stylesheet
    for element in page.tree.iter():
        for name in ("src", "href", "action", "formaction", "data-hx-post", "srcset"):
            assert re.match(r"/(?!/)|#|\?lang=|mailto:|tel:|data:image/svg", element.get(name, "/"))


def test_each_form_has_its_own_submission_key(anna):
    keys = {anna.get("/").fields()["draft"] for _ in range(5)}
    assert len(keys) == 5
    assert all(SUBMISSION_KEY.fullmatch(key) for key in keys)
