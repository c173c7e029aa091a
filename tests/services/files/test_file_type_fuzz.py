"""Good files, cut and changed at random: cut ones are refused, and the check never fails with another error."""

import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.files.types import Refused, check
from tests.support.files import corpus
from tests.support.files.bad_files import WHOLE
from tests.support.property_tests import deterministic

GOOD = {case.key: case for case in corpus.good()}

# The beginning of these is a complete file: text, padding at the end, a picture with a film, an updated document.
WHOLE_WHEN_CUT = ("text-", "name-two-endings", "jpeg-", "tiff-padded", "pdf-updated", "webp-unpadded")
CUT = [case for case in GOOD.values() if not case.key.startswith(WHOLE_WHEN_CUT)]


def checked(name, content):
    """Return the result of the check, or None if the file is refused."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            return check(name, file)
        except Refused:
            return None


@deterministic
@given(st.data())
def test_a_cut_file_stays_out(data):
    case = data.draw(st.sampled_from(CUT))
    content = case.content.rstrip(b"\r\n\x00") if case.media_type == "application/pdf" else case.content
    at = data.draw(st.integers(1, len(content) - 1))
    assert checked(case.name, content[:at]) is None, (case.key, at)


@deterministic
@given(st.integers(1, len(WHOLE["jpg"]) - 1))
def test_a_cut_jpeg_stays_out(at):
    assert checked("Foto.jpg", WHOLE["jpg"][:at]) is None


@pytest.mark.parametrize("ending", [*WHOLE, "txt"])
def test_changed_file_is_accepted_or_refused(ending):
    cases = [case for case in GOOD.values() if case.name.lower().endswith(f".{ending}")]

    @settings(deterministic, max_examples=40)
    @given(st.data())
    def check_a_changed_one(data):
        content = bytearray(data.draw(st.sampled_from(cases)).content)
        for _ in range(data.draw(st.integers(1, 5))):
            at = data.draw(st.integers(0, max(0, len(content) - 1)))
            length = data.draw(st.integers(0, 8))
            content[at : at + length] = data.draw(st.binary(max_size=12))
        verdict = checked(f"Datei.{ending}", bytes(content) or b"x")
        assert verdict is None or verdict.media_type == corpus.MEDIA_TYPES[ending]

    check_a_changed_one()
