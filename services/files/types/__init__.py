"""Which files are accepted: name and content are checked together.

A file must be what its extension says: its first bytes, its structure and its end are those of this type, and nothing
follows. Only the objects of a PDF are decompressed, within limits.
"""

import mmap
import re
import struct
from typing import BinaryIO, NamedTuple

import filetype

from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from services.files.types.isobmff import check_heic, is_heic
from services.files.types.jpeg import check_jpeg
from services.files.types.pdf import active_content, check_pdf
from services.files.types.raster import check_bmp, check_gif, check_png, check_webp
from services.files.types.reader import (
    BrokenError,
    Reader,
    Refused,
    TrailingError,
    WrongKind,
    find_in_chunks,
)
from services.files.types.text import check_text
from services.files.types.tiff import check_tiff
from settings import settings

TEXT, PDF = "text/plain", "application/pdf"

IS_ANOTHER_KIND = N_("Die Endung „%(extension)s“ passt nicht, der Inhalt ist ein %(kind)s.")
IS_NOT_THIS_KIND = N_("Die Endung „%(extension)s“ passt nicht, der Inhalt ist kein %(kind)s.")
TRAILING_PDF = N_("Hinter dem Ende steht etwas, das nicht zum %(kind)s gehört. Bitte speichern Sie die Datei neu.")
TRAILING_PICTURE = N_(
    "Hinter dem Ende steht etwas, das nicht zum %(kind)s gehört. Bitte speichern Sie die Datei neu oder schicken Sie "
    "ein Bildschirmfoto davon."
)


class FileType(NamedTuple):
    """A kind of file that is accepted."""

    media_type: str
    label: str
    extensions: tuple[str, ...]


class CheckResult(NamedTuple):
    """An accepted file: its name with the ending of its content, its type and, in words, its active content."""

    name: str
    media_type: str
    active_content: str = ""


FILE_TYPES = (
    FileType("image/png", N_("PNG-Bild"), (".png",)),
    FileType("image/jpeg", N_("JPEG-Bild"), (".jpg", ".jpeg", ".jpe", ".jfif")),
    FileType("image/gif", N_("GIF-Bild"), (".gif",)),
    FileType("image/webp", N_("WebP-Bild"), (".webp",)),
    FileType("image/bmp", N_("BMP-Bild"), (".bmp",)),
    FileType("image/tiff", N_("TIFF-Bild"), (".tif", ".tiff")),
    FileType("image/heic", N_("HEIC-Bild"), (".heic", ".heif")),
    FileType(PDF, N_("PDF-Dokument"), (".pdf",)),
    FileType(TEXT, N_("Textdatei"), (".txt", ".log")),
)
ALLOWED_EXTENSIONS = tuple(extension for file_type in FILE_TYPES for extension in file_type.extensions)

_BY_EXTENSION = {extension: file_type for file_type in FILE_TYPES for extension in file_type.extensions}
_BY_MEDIA_TYPE = {file_type.media_type: file_type for file_type in FILE_TYPES}
_GUESSED_AS = {"image/apng": "image/png", "image/heif": "image/heic", "image/x-ms-bmp": "image/bmp"}

# Windows hides the last extension, so that people see the one before it. Not "com": many company names end with it.
_PROGRAM = re.compile(
    "appref-ms|application|bat|chm|cmd|cpl|dll|exe|hlp|hta|html?|iso|jar|jnlp|jse?|library-ms|lnk|mht(ml)?|ms[ip]|pif|"
    "psm?1|reg|sc[frt]|search-ms|settingcontent-ms|shtml|svgz?|url|vb[es]|vhdx?|ws[cfh]|xht(ml)?|"
    # Documents with macros
    "do[ct]m|p[op]tm|pp[as]m|xl[ast]m|xll|xlsb",
    re.IGNORECASE,
)

_CHECKS = {
    "image/png": check_png,
    "image/jpeg": check_jpeg,
    "image/gif": check_gif,
    "image/webp": check_webp,
    "image/bmp": check_bmp,
    "image/tiff": check_tiff,
    "image/heic": check_heic,
    PDF: check_pdf,
}


def allowed_words() -> str:
    """Return in words which files are accepted."""
    return _("Bilder (PNG, JPEG, GIF, WebP, BMP, TIFF, HEIC), PDF-Dateien und einfache Textdateien (.txt, .log)")


def check(name: str, file: BinaryIO) -> CheckResult:
    """Check an open file on disk that will be shown under this name; raises Refused."""
    claimed, extension = _type_by_name(name)
    media_type, words = _check_content(file, claimed, extension)
    return CheckResult(name, media_type, words)


def _check_content(file: BinaryIO, claimed: FileType, extension: str) -> tuple[str, str]:
    if claimed.media_type == TEXT:
        check_text(file)
        return TEXT, ""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        _check_beginning(data[:8192], claimed, extension)
        _check_structure(data, claimed)
        _check_polyglot(data, claimed)
        return claimed.media_type, active_content(data) if claimed.media_type == PDF else ""


def _type_by_name(name: str) -> tuple[FileType, str]:
    stem, dot, ending = name.rpartition(".")
    extension = f"{dot}{ending.lower()}"
    if not dot:
        raise WrongKind(_("Dem Namen fehlt die Endung."))
    if extension not in _BY_EXTENSION:
        raise WrongKind(_("Die Endung „%(extension)s“ ist nicht erlaubt.", extension=extension))
    *before, inner = stem.rsplit(".", 1)
    if before and _PROGRAM.fullmatch(inner.strip()):
        double = f".{inner}{extension}"
        raise WrongKind(_("Die Endung „%(double)s“ ist doppelt. Bitte benennen Sie die Datei um.", double=double))
    return _BY_EXTENSION[extension], extension


def _check_beginning(beginning: bytes, claimed: FileType, extension: str) -> None:
    guess = "image/heic" if is_heic(beginning) else filetype.guess_mime(beginning)
    found = _GUESSED_AS.get(guess, guess)
    if found != claimed.media_type:
        known = _BY_MEDIA_TYPE.get(found)
        sentence = IS_ANOTHER_KIND if known else IS_NOT_THIS_KIND
        raise WrongKind(_(sentence, extension=extension, kind=_((known or claimed).label)))


def _check_structure(data: mmap.mmap, claimed: FileType) -> None:
    try:
        _CHECKS[claimed.media_type](Reader(data, settings.max_megapixels))
    except BrokenError:
        raise Refused(_("Das %(kind)s ist beschädigt oder unvollständig.", kind=_(claimed.label))) from None
    except TrailingError:
        sentence = TRAILING_PDF if claimed.media_type == PDF else TRAILING_PICTURE
        raise Refused(_(sentence, kind=_(claimed.label))) from None


def _check_polyglot(data: mmap.mmap, claimed: FileType) -> None:
    """Raise Refused for a file that is also a file of another kind, in the gaps of a picture or a document."""
    kind = _(claimed.label)
    if _opens_as_archive(data):
        raise WrongKind(_("Das %(kind)s ist zugleich ein ZIP-Archiv.", kind=kind))
    if any(find_in_chunks(_HIDDEN_CONTENT, data)):
        raise WrongKind(_("Im %(kind)s steckt ein Archiv oder ein Programm.", kind=kind))
    if claimed.media_type != PDF and b"%PDF-" in data[:1024]:
        raise WrongKind(_("Das %(kind)s ist zugleich ein PDF-Dokument.", kind=kind))


# The signatures of archives and of programs for Linux and Windows, which archive programs find deep inside a file. Each
# is too long to occur in a picture by chance.
_HIDDEN_CONTENT = re.compile(
    rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07[\x00\x01]|MSCF\x00{4}|\x7fELF[\x01\x02]{2}\x01|"
    rb"PE\x00\x00(?:\x4c\x01|\xc4\x01|\x64\x86|\x64\xaa)"
)
_ARCHIVE_END, _ARCHIVE_LIST = b"PK\x05\x06", b"PK\x01\x02"
# Its end record and the longest comment that may follow it.
_ARCHIVE_END_REACH = 22 + 65535
# The record before the end record of a large (ZIP64) archive, and its value for length and start.
_LARGE_ARCHIVE_END, _SAYS_LARGE = b"PK\x06\x07", 0xFFFFFFFF


def _opens_as_archive(data: mmap.mmap) -> bool:
    """Say whether a ZIP program finds a list of files at the end of this one."""
    at = len(data)
    while (at := data.rfind(_ARCHIVE_END, max(0, len(data) - _ARCHIVE_END_REACH), at)) >= 0:
        if at + 22 <= len(data):
            length, start = struct.unpack_from("<II", data, at + 12)
            if _SAYS_LARGE in (length, start) or data[max(0, at - 20) : at].startswith(_LARGE_ARCHIVE_END):
                return True
            places = (at - length, start)
            if any(0 <= place < at and data[place : place + 4] == _ARCHIVE_LIST for place in places):
                return True
    return False
