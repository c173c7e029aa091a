"""Good files, cut and changed at random: without a header they are refused, and the check never fails otherwise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.files.types import Refused, check
from tests.support.files import corpus
from tests.support.files.bad_files import HEADERS
from tests.support.files.good_files import WHOLE
from tests.support.property_tests import deterministic

GOOD = {case.key: case for case in corpus.good()}


def checked(name, content):
    """Return the result of the check, or None if the file is refused."""
    try:
        return check(name, content)
    except Refused:
        return None


@deterministic
@given(st.sampled_from(sorted(HEADERS)), st.floats(0, 1))
def test_a_header_that_is_cut_stays_out(ending, part):
    at = max(1, int(HEADERS[ending] * part))
    assert checked(f"Foto.{ending}", WHOLE[ending][:at]) is None, at


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
        assert verdict is None or verdict.media_type == corpus.MEDIA_TYPES[verdict.name.rpartition(".")[2]]

    check_a_changed_one()
