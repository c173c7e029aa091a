"""Files of tickets and requests, for the office."""

from flask import Blueprint, abort

from enums import SubmissionState
from models import Attachment, Submission
from services.files import attachments
from views.shared import stored_files

bp = Blueprint("attachment", __name__)


@bp.get("/anhang/<int:attachment_id>")
def download(attachment_id):
    """Send a file to be saved."""
    return stored_files.download(_load(attachment_id))


@bp.get("/anhang/<int:attachment_id>/vorschau")
def preview(attachment_id):
    """Send a picture to be shown on a page."""
    file = _load(attachment_id)
    if file.media_type not in attachments.PICTURES:
        abort(404)
    return stored_files.send(file, file.media_type)


def _load(attachment_id):
    """Return a file that was sent, or answer with 404; staged and discarded files are not accessible."""
    sent = Attachment.select().join(Submission).where(Submission.state != SubmissionState.DISCARDED)
    return sent.where(Attachment.id == attachment_id).get_or_none() or abort(404)
