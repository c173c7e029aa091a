"""What the office fills in: the forms of the staff area, on the same base as those of the customers."""

from forms import PortalForm, text


class NoteForm(PortalForm):
    """An internal note to a ticket."""

    text = text("Interne Notiz", missing="Bitte schreiben Sie die Notiz.", render_kw={"rows": 3})
