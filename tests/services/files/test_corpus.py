"""The corpus sent by the form: every good file is stored under its true name, and every bad one is refused by name."""

import io

import pytest

from database import database
from enums import MAX_ATTACHMENTS
from models import Attachment
from services.files import attachments
from services.files.types import ALLOWED_EXTENSIONS
from settings import settings
from tests.support.files import corpus
from tests.support.pages import HTMX, Visitor

GOOD, BAD = corpus.good(), corpus.bad()

# As many files as a request may have parts, but for the form's own.
REFUSED_AT_ONCE = 50


def in_batches(cases, size):
    return [cases[at : at + size] for at in range(0, len(cases), size)]


@pytest.fixture
def upload(app):
    """Upload files as a new form does when they are chosen, and return the answer and the submission key."""
    visitor = Visitor(app, {})

    def send(cases):
        fields = visitor.get("/").fields()
        files = [(io.BytesIO(case.content), case.name) for case in cases]
        data = {key: fields[key] for key in ("csrf_token", "draft")} | {"files": files}
        return visitor.post("/anhaenge", data, headers=HTMX), fields["draft"]

    return send


def staged(app, draft):
    """Return what is staged under a submission key, with its content."""
    with app.app_context(), database.connection_context():
        rows = []
        for row in Attachment.staged(draft):
            with attachments.open_stored(row) as file:
                rows.append((row.name, row.media_type, row.active_content, file.read()))
        return rows


def refusals(answer):
    return [item.text for item in answer.tree.iter("li") if "konnten wir nicht annehmen" in (item.text or "")]


def test_it_is_large_enough():
    assert len({(case.name, case.content) for case in GOOD}) + len({(case.name, case.content) for case in BAD}) >= 150
    assert {"." + case.shown.rpartition(".")[2].lower() for case in GOOD} == set(ALLOWED_EXTENSIONS)


@pytest.mark.parametrize("cases", in_batches(GOOD, MAX_ATTACHMENTS), ids=lambda cases: cases[0].key)
def test_good_files_are_accepted(app, upload, cases):
    answer, draft = upload(cases)
    assert refusals(answer) == []
    assert staged(app, draft) == [(case.shown, case.media_type, case.active_content, case.content) for case in cases]


@pytest.mark.parametrize("cases", in_batches(BAD, REFUSED_AT_ONCE), ids=lambda cases: cases[0].key)
def test_bad_files_are_refused(app, upload, cases):
    answer, draft = upload(cases)
    assert_refused(app, answer, draft, cases)


@pytest.mark.parametrize("case", corpus.denial_of_service(), ids=lambda case: case.key)
def test_denial_of_service_files_are_refused(app, upload, case):
    answer, draft = upload([case])
    assert_refused(app, answer, draft, [case])


def assert_refused(app, answer, draft, cases):
    """Assert that a sentence names each file and the reason, and that nothing is stored."""
    sentences = refusals(answer)
    assert answer.status == 422
    assert staged(app, draft) == []
    assert list(settings.files_dir.iterdir()) == []
    for case, sentence in zip(cases, sentences, strict=True):
        assert sentence.startswith(f"„{case.name}“ konnten wir nicht annehmen: "), case.key
        assert case.reason in sentence, case.key
