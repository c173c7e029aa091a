"""The strength of passwords: what people in a German office guess first is refused."""

import pytest

from services.errors import UserError
from services.security import passwords

NAME = "Clara Neumann"


@pytest.mark.parametrize(
    "password",
    [
        "vier Wolken im Tee",
        "vierwolkenimtee",
        "Eis, Tee, Ohr, Kuh",
        "lampe-zebra-donner-keks",
        "x7Kq-93vmPl2",
        "kq!vx3wjt&zfb",
    ],
)
def test_accepted(app, password):
    passwords.check_is_strong(password, NAME)


@pytest.mark.parametrize(
    "password",
    [
        "Schmetterling",
        "Schmetterling 2026!",
        "gnilrettemhcS",
        "Bundesliga2024",
        "ITService2026!",
        "2026Sommer!!",
        "Fruehling2026",
        "Frühling-2026",
        "Sch0k0lade!!",
        "Donnerstag-Abend",
        "Kennwort1Kennwort2",
        "Werkstatt2026Teile",
        "Kaffeemaschine1",
        "Clara.Neumann1",
        "yxcvbnm,.-12",
        "qwertzuiopü+",
        "QWERTZ-asdfgh",
        "asdfghjklöä#",
        "1qay2wsx3edc",
    ],
)
def test_easy_to_guess(app, password):
    with pytest.raises(UserError, match="zu leicht zu erraten"):
        passwords.check_is_strong(password, NAME)
