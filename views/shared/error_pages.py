"""The error page: what happened and what to do now."""

from datetime import timedelta

from flask import g, make_response, render_template, request

from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from services import disk
from views.shared.locale import STAFF_PATH
from views.shared.responses import set_retry_after

ERRORS = {
    400: (N_("Das haben wir nicht verstanden"), N_("Bitte gehen Sie zurück und versuchen Sie es noch einmal.")),
    404: (
        N_("Diese Seite gibt es nicht"),
        N_(
            "Vielleicht ist die Adresse falsch geschrieben. Eine Eingangsbestätigung öffnet nur der Browser, der die "
            "Anfrage gesendet hat, und nur für eine gewisse Zeit."
        ),
    ),
    405: (N_("So geht es hier nicht"), N_("Bitte beginnen Sie noch einmal beim Formular.")),
    413: (
        N_("Das ist zu viel auf einmal"),
        N_(
            "Die Dateien sind zu groß oder zu viele, oder ein Text ist zu lang. Es ist nichts eingegangen. Gehen Sie "
            "zurück und kürzen Sie; die meisten Browser zeigen Ihre Angaben dann noch."
        ),
    ),
    500: (
        N_("Bei uns ist ein Fehler aufgetreten"),
        N_(
            "Es ist nichts eingegangen. Gehen Sie zurück und versuchen Sie es in einer Minute noch einmal; die meisten "
            "Browser zeigen Ihre Angaben dann noch."
        ),
    ),
    503: (
        N_("Gerade kommt zu viel auf einmal"),
        N_(
            "Im Moment finden bei uns keine Dateien Platz. Es ist nichts eingegangen. Gehen Sie zurück und senden Sie "
            "es in einigen Minuten noch einmal, oder jetzt ohne Dateien; die meisten Browser zeigen Ihre Angaben dann "
            "noch."
        ),
    ),
}
RELOAD = N_("Bitte laden Sie die Seite in einer Minute neu.")

# Advice for the office, which must not point to the customers' form.
STAFF_ADVICE = {
    403: "Dafür ist bei Ihnen die Leitung zuständig.",
    404: "Vielleicht ist die Adresse falsch geschrieben, oder was hier war, ist inzwischen gelöscht.",
    405: "Bitte gehen Sie zurück und versuchen Sie es noch einmal.",
    413: "Die Datei ist zu groß, oder ein Text ist zu lang. Bitte gehen Sie zurück und kürzen Sie.",
    503: "Im Moment finden keine Dateien Platz. Bitte gehen Sie zurück und versuchen Sie es in einigen Minuten wieder.",
    500: "Bitte gehen Sie zurück und prüfen Sie, ob sich etwas geändert hat, bevor Sie es noch einmal versuchen.",
}
DISK_FULL = (
    "Die Platte des Rechners, auf dem das Portal läuft, ist voll. Deshalb lässt sich nichts speichern, auch keine "
    "Anmeldung. Schaffen Sie dort Platz; das Portal macht dann von selbst weiter."
)


def error_page(error):
    """Answer an HTTP error with its own status; an error without texts of its own gets those of 400 or 500."""
    heading, advice = ERRORS.get(error.code) or ERRORS[500 if error.code >= 500 else 400]
    is_staff = request.path.startswith(STAFF_PATH)
    if is_staff:
        advice = STAFF_ADVICE.get(error.code, advice)
        heading = "Das dürfen Sie nicht" if error.code == 403 else heading
    if error.code >= 500 and request.method != "POST":
        advice = RELOAD
    if is_staff and disk.is_full(getattr(error, "original_exception", None)):
        advice = DISK_FULL
    page = render_template(
        "shared/error.html", heading=_(heading), advice=_(advice) + error_number_sentence(), is_staff=is_staff
    )
    response = make_response(page, error.code)
    # Tells the scripts that the answer is not from a web server in front.
    response.headers["Portal-Error"] = "yes"
    if error.code == 503:
        set_retry_after(response, timedelta(minutes=1))
    if error.code == 405:
        response.allow.update(error.valid_methods)
    return response


def error_number_sentence():
    """Return a sentence with the number of this request's failure in the log; "" if it did not fail."""
    number = g.get("error_number")
    if not number:
        return ""
    return " " + _("Bleibt es dabei, nennen Sie uns bitte die Fehlernummer %(number)s.", number=number)
