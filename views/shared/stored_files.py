"""Stored files, served so that nothing in them is executed."""

from flask import send_file

from services.files import attachments

# A file that a browser opens instead of saving it can load nothing and run no scripts.
POLICY = "default-src 'none'; sandbox"


def download(file):
    """Send a file to be saved."""
    return send(file, "application/octet-stream", as_attachment=True, download_name=file.name)


def send(file, media_type, **options):
    """Send a file with a media type."""
    response = send_file(attachments.open_stored(file), mimetype=media_type, conditional=False, etag=False, **options)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    return response
