"""Files that customers sent, served so that nothing in them is executed."""

from flask import Blueprint, abort, send_file

from enums import SubmissionState
from models import Attachment, Submission
from services.files import attachments

bp = Blueprint("attachment", __name__)

# A file that a browser opens instead of saving it can load nothing and run no scripts.
POLICY = "default-src 'none'; sandbox"


@bp.get("/anhang/<int:attachment_id>")
def download(attachment_id):
    """Send a file to be saved."""
    file = _load(attachment_id)
    return _send(file, "application/octet-stream", as_attachment=True, download_name=file.name)


@bp.get("/anhang/<int:attachment_id>/vorschau")
def preview(attachment_id):
    """Send a picture to be shown on a page."""
    file = _load(attachment_id)
    if file.media_type not in attachments.PICTURES:
        abort(404)
    return _send(file, file.media_type)


def _load(attachment_id):
    """Return a file that was sent, or answer with 404; staged and discarded files are not accessible."""
    sent = Attachment.select().join(Submission).where(Submission.state != SubmissionState.DISCARDED)
    return sent.where(Attachment.id == attachment_id).get_or_none() or abort(404)


def _send(file, media_type, **options):
    response = send_file(attachments.open_stored(file), mimetype=media_type, conditional=False, etag=False, **options)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    return response
