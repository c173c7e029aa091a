"""What an approver fills in."""

from wtforms import HiddenField, StringField
from wtforms.validators import AnyOf

from enums import Approval
from form_fields import PortalForm, row_id, textarea
from i18n.catalogue import gettext as _


class DecisionForm(PortalForm):
    """One of two buttons, and a reason that only declining needs."""

    question = HiddenField("", filters=[row_id])
    decision = StringField(
        "", validators=[AnyOf([Approval.APPROVED, Approval.DECLINED], "Bitte wählen Sie „Freigeben“ oder „Ablehnen“.")]
    )
    reason = textarea("Grund", description="Den Grund erfährt auch, wer gefragt hat.", render_kw={"rows": 3})

    def validate(self, extra_validators=None):
        """Check the answers; whoever approves need not say why."""
        is_valid = super().validate(extra_validators)
        if is_valid and self.chosen is Approval.DECLINED and not self.reason.data:
            self.reason.errors = [_("Bitte schreiben Sie, warum Sie ablehnen.")]
            return False
        return is_valid

    @property
    def chosen(self):
        """What is decided by a valid form."""
        return Approval(self.decision.data)
