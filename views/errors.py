"""The one error page: what happened and what to do now, in German."""

from flask import make_response, render_template

ERRORS = {
    400: ("Das haben wir nicht verstanden", "Bitte gehen Sie zurück und versuchen Sie es noch einmal."),
    404: (
        "Diese Seite gibt es nicht",
        "Vielleicht ist die Adresse falsch geschrieben, oder die Seite gehört zu einem anderen Browser.",
    ),
    405: ("So geht es hier nicht", "Bitte beginnen Sie noch einmal beim Formular."),
    413: (
        "Das ist zu viel auf einmal",
        "Die Dateien sind zu groß oder zu viele, oder ein Text ist zu lang. Gehen Sie mit „Zurück“ zum Formular, Ihre "
        "Angaben stehen dort noch, und kürzen Sie sie.",
    ),
    500: (
        "Bei uns ist ein Fehler aufgetreten",
        "Es ist nichts eingegangen. Gehen Sie mit „Zurück“ zum Formular, Ihre Angaben stehen dort noch, und versuchen "
        "Sie es in einer Minute noch einmal.",
    ),
}


def error_page(error):
    """Answer an HTTP error with its own status; one that has no words of its own gets those of its family."""
    heading, advice = ERRORS.get(error.code) or ERRORS[500 if error.code >= 500 else 400]
    response = make_response(render_template("error.html", heading=heading, advice=advice), error.code)
    response.headers["Cache-Control"] = "no-store"
    if error.code == 405:
        response.allow.update(error.valid_methods)
    return response
