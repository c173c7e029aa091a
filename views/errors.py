"""The one error page: what happened and what to do now, in German."""

from flask import make_response, render_template, request

ERRORS = {
    400: ("Das haben wir nicht verstanden", "Bitte gehen Sie zurück und versuchen Sie es noch einmal."),
    404: (
        "Diese Seite gibt es nicht",
        "Vielleicht ist die Adresse falsch geschrieben. Eine Eingangsbestätigung öffnet nur der Browser, der die "
        "Anfrage gesendet hat.",
    ),
    405: ("So geht es hier nicht", "Bitte beginnen Sie noch einmal beim Formular."),
    413: (
        "Das ist zu viel auf einmal",
        "Die Dateien sind zu groß oder zu viele, oder ein Text ist zu lang. Es ist nichts eingegangen. Gehen Sie "
        "zurück und kürzen Sie; die meisten Browser zeigen Ihre Angaben dann noch.",
    ),
    500: (
        "Bei uns ist ein Fehler aufgetreten",
        "Es ist nichts eingegangen. Gehen Sie zurück und versuchen Sie es in einer Minute noch einmal; die meisten "
        "Browser zeigen Ihre Angaben dann noch.",
    ),
}


def error_page(error):
    """Answer an HTTP error with its own status; one that has no words of its own gets those of its family."""
    heading, advice = ERRORS.get(error.code) or ERRORS[500 if error.code >= 500 else 400]
    if error.code >= 500 and request.method != "POST":
        advice = "Bitte laden Sie die Seite in einer Minute neu."
    response = make_response(render_template("error.html", heading=heading, advice=advice), error.code)
    response.headers["Cache-Control"] = "no-store"
    if error.code == 405:
        response.allow.update(error.valid_methods)
    return response
