"""Files that customers sent, served so that nothing in them can run."""

from flask import Blueprint, abort, send_file

from enums import SubmissionState
from models import Attachment, Submission
from services.files import attachments

bp = Blueprint("attachment", __name__)

# Even a file that a browser opens instead of keeping it can load nothing, run nothing and reach nobody.
POLICY = "default-src 'none'; sandbox"


@bp.get("/anhang/<int:attachment_id>")
def download(attachment_id):
    """Give a file to keep, as bytes of no kind."""
    file = _load(attachment_id)
    return _send(file, "application/octet-stream", as_attachment=True, download_name=file.name)


@bp.get("/anhang/<int:attachment_id>/vorschau")
def preview(attachment_id):
    """Give a picture to be shown on a page."""
    file = _load(attachment_id)
    if file.media_type not in attachments.PICTURES:
        abort(404)
    return _send(file, file.media_type)


def _load(attachment_id):
    """Return a file that was sent; one that only waits to be sent, or is discarded, is nobody's to see."""
    sent = Attachment.select().join(Submission).where(Submission.state != SubmissionState.DISCARDED)
    return sent.where(Attachment.id == attachment_id).get_or_none() or abort(404)


def _send(file, media_type, **options):
    response = send_file(attachments.open_stored(file), mimetype=media_type, conditional=False, etag=False, **options)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    return response
