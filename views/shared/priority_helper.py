"""Two questions whose answers suggest a priority."""

from enums import LabelledEnum, Priority
from form_fields import PortalForm, radio_field
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_


class Affected(LabelledEnum):
    ONE = "one", "Eine Person"
    SEVERAL = "several", "Mehrere Personen"
    ALL = "all", "Alle oder fast alle"


class Workable(LabelledEnum):
    YES = "yes", "Ja"
    BARELY = "barely", "Mit Mühe"
    NO = "no", "Nein"


# The ITIL matrix of impact and urgency: a row by who is affected, a column by Workable.
PRIORITY_MATRIX = {
    Affected.ONE: (Priority.LOW, Priority.LOW, Priority.MEDIUM),
    Affected.SEVERAL: (Priority.LOW, Priority.MEDIUM, Priority.HIGH),
    Affected.ALL: (Priority.MEDIUM, Priority.HIGH, Priority.HIGH),
}
REASONS = {
    Affected.ONE: N_("eine Person betroffen ist"),
    Affected.SEVERAL: N_("mehrere betroffen sind"),
    Affected.ALL: N_("alle betroffen sind"),
    Workable.YES: N_("die Arbeit weitergeht"),
    Workable.BARELY: N_("die Arbeit stockt"),
    Workable.NO: N_("Arbeiten nicht mehr möglich ist"),
}


class PriorityHelper(PortalForm):
    """The two questions; their answers are not stored."""

    affected = radio_field("Wie viele sind betroffen?", Affected, "")
    workable = radio_field("Können Sie weiterarbeiten?", Workable, "")
    # The priority chosen so far, a field of the request's own form.
    priority = radio_field("Priorität", Priority, "")

    def is_begun(self):
        """Say whether one of the questions is answered."""
        return bool(self.affected.data or self.workable.data)

    def suggestion(self):
        """Return a sentence with the suggested priority and the reason; "" until both questions are answered."""
        suggested = self._suggested()
        if suggested is None:
            return ""
        return _(
            "Vorschlag: %(priority)s, weil %(affected)s und %(workable)s.",
            priority=_(suggested.label),
            affected=_(REASONS[self.affected.data]),
            workable=_(REASONS[self.workable.data]),
        )

    def differs_from_choice(self):
        """Say whether another priority is chosen than the suggested one."""
        return self.priority.data not in (None, self._suggested())

    def _suggested(self):
        affected, workable = self.affected.data, self.workable.data
        return PRIORITY_MATRIX[affected][list(Workable).index(workable)] if affected and workable else None
