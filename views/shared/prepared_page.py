"""Pages that are the same for everybody but for values near their end: rendered and compressed beforehand."""

import zlib
from collections.abc import Mapping
from functools import cached_property

from flask import Response

from views.shared.responses import accepts_gzip

GZIP_FORMAT = 31
# Every answer copies the compressor. A small one takes half the time and makes the page 1 % larger.
SMALL_MEMORY = 5

# Not "no-store": with it, going back from an error page would lose what was typed.
# "private", because a form has a token of its own, and a link to the other language sets a cookie.
HEADERS = {"Vary": "Accept-Encoding, Accept-Language", "Cache-Control": "no-cache, private"}


class PreparedPage:
    """A page that all visitors see: it contains nothing of a request, only placeholders for some values."""

    def __init__(self, html: str, *placeholders: str) -> None:
        place = min(map(html.index, placeholders), default=len(html))
        self._beginning, self._end = html[:place].encode(), html[place:]

    def response(self, values: Mapping[str, str] | None = None) -> Response:
        """Answer with the page and a value for each placeholder, compressed if the browser accepts it."""
        html = self._end
        for placeholder, value in (values or {}).items():
            html = html.replace(placeholder, value)
        if not accepts_gzip():
            return Response(self._beginning + html.encode(), headers=HEADERS)
        # The values are no input of the visitor, so the length tells nothing about the token among them.
        begun, compressed = self._compressed_beginning
        compressor = begun.copy()
        body = compressed + compressor.compress(html.encode()) + compressor.flush()
        return Response(body, headers=HEADERS | {"Content-Encoding": "gzip"})

    @cached_property
    def _compressed_beginning(self):
        """The compressor that has read the beginning, and what it has written so far."""
        compressor = zlib.compressobj(wbits=GZIP_FORMAT, memLevel=SMALL_MEMORY)
        return compressor, compressor.compress(self._beginning)
