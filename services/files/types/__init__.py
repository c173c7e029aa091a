"""Which files are accepted: a file is what its content says, and gets the ending of its content.

The header must be that of a picture, a document or a text that the usual viewer opens. What is in front of and behind
it does not matter, unless it is an archive or a program.
"""

import re
from typing import NamedTuple

import filetype

from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from services.files.file_names import split_name, with_ending
from services.files.types import raster
from services.files.types.hidden import has_hidden_archive_or_program, is_archive_or_program
from services.files.types.pdf import PDF_START, PDF_START_WITHIN, active_content, is_pdf
from services.files.types.reader import BrokenError, Reader, Refused, WrongKind
from services.files.types.text import is_text
from settings import settings

TEXT, PDF = "text/plain", "application/pdf"

MEGAPIXEL = 1_000_000

NOT_THIS_ENDING = N_(
    "Die Endung „%(extension)s“ ist nicht erlaubt. Bitte speichern Sie einen Text als Textdatei (.txt), oder schicken "
    "Sie ein Bildschirmfoto."
)
TEXT_NOT_AS_TEXT = N_(
    "Der Inhalt ist Text, und Text nehmen wir nur mit der Endung .txt oder .log an. Bitte speichern Sie die Datei als "
    "Textdatei (.txt), oder schicken Sie ein Bildschirmfoto."
)
NOT_TEXT = N_(
    "Der Inhalt ist kein einfacher Text. Bitte speichern Sie die Datei als Text mit der Kodierung UTF-8, oder schicken "
    "Sie ein Bildschirmfoto."
)
NOTHING_KNOWN = N_(
    "Dieses Dateiformat nehmen wir nicht an. Bitte speichern Sie ein Dokument als PDF und ein Bild als JPEG, oder "
    "schicken Sie ein Bildschirmfoto."
)
DAMAGED = N_(
    "Das %(kind)s ist beschädigt oder unvollständig. Bitte speichern Sie die Datei neu, oder schicken Sie ein "
    "Bildschirmfoto."
)
HIDDEN = N_(
    "In der Datei steckt ein Archiv, ein Office-Dokument oder ein Programm. Bitte speichern Sie die Datei ohne "
    "eingebettete Dateien, oder schicken Sie ein Bildschirmfoto."
)
TWO_KINDS = N_(
    "Das %(kind)s ist zugleich ein PDF-Dokument. Bitte speichern Sie die Datei neu, oder schicken Sie ein "
    "Bildschirmfoto."
)
TOO_MANY_PIXELS = N_("Das Bild hat mehr als %(most)s Megapixel. Bitte verkleinern Sie es.")


class FileType(NamedTuple):
    """A kind of file that is accepted; the first of its extensions is given to files that have another one."""

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

_BY_MEDIA_TYPE = {file_type.media_type: file_type for file_type in FILE_TYPES}
_TEXT_TYPE = _BY_MEDIA_TYPE[TEXT]

# Windows runs these, browsers run what is in them, or they are documents with macros. Not "com": it ends the name of a
# company more often.
_DANGEROUS = re.compile(
    r"\.(?:appref-ms|application|bat|chm|cmd|cpl|dll|exe|hlp|hta|html?|iso|jar|jnlp|jse?|library-ms|lnk|mht(ml)?|"
    r"ms[ip]|pif|psm?1|reg|sc[frt]|search-ms|settingcontent-ms|shtml|svgz?|url|vb[es]|vhdx?|ws[cfh]|xht(ml)?|"
    r"do[ct]m|p[op]tm|pp[as]m|xl[ast]m|xll|xlsb)",
    re.IGNORECASE,
)

_SIZES = {
    "image/png": raster.png_size,
    "image/jpeg": raster.jpeg_size,
    "image/gif": raster.gif_size,
    "image/webp": raster.webp_size,
    "image/bmp": raster.bmp_size,
    "image/tiff": raster.tiff_size,
    "image/heic": raster.heic_size,
}

# What may stand behind other bytes, such as the commands to a printer or an empty line.
_FRONT_BYTES = PDF_START_WITHIN
_START_BEHIND = re.compile(
    rb"%PDF-[1-9]\.|\x89PNG\r\n\x1a\n|\xff\xd8\xff[\xc0-\xfe]|GIF8[79]a|RIFF.{4}WEBPVP8|.{4}ftyp(?:hei|hev|mif1|msf1)",
    re.DOTALL,
)
_PAGE_OR_SCRIPT = re.compile(rb"<(?:!doctype|html|head|body|script|svg|\?xml)|\A#!", re.IGNORECASE)
_BEGINNING = 8192
_RTF = "application/rtf"
# Blanks, line ends, and the NUL with which a crash fills up a file.
_NOTHING = b" \t\r\n\0"


def allowed_words() -> str:
    """Return in words which files are accepted."""
    return _("Bilder (PNG, JPEG, GIF, WebP, BMP, TIFF, HEIC), PDF-Dateien und einfache Textdateien (.txt, .log)")


def check(name: str, data: bytes) -> CheckResult:
    """Check the content of a file that was sent under this name; raises Refused."""
    stem, extension = split_name(name)
    if _DANGEROUS.fullmatch(extension):
        raise WrongKind(_(NOT_THIS_ENDING, extension=extension))
    if not data.strip(_NOTHING):
        raise Refused(_("Die Datei ist leer. Bitte wählen Sie eine andere."))
    found = _type_of(data, extension.lower())
    if has_hidden_archive_or_program(data):
        raise WrongKind(_(HIDDEN))
    if found.media_type != PDF and PDF_START.search(data, 0, PDF_START_WITHIN) and found != _TEXT_TYPE:
        raise WrongKind(_(TWO_KINDS, kind=_(found.label)))
    words = active_content(data) if found.media_type == PDF else ""
    return CheckResult(_true_name(name, stem, extension, found), found.media_type, words)


def _true_name(name: str, stem: str, extension: str, found: FileType) -> str:
    """Return the name with an ending of its type; only an ending of another accepted type is replaced."""
    if extension.lower() in found.extensions:
        return name
    return with_ending(stem if extension.lower() in ALLOWED_EXTENSIONS else name, found.extensions[0])


def _type_of(data: bytes, extension: str) -> FileType:
    """Return the type of a content; raises Refused."""
    beginning = data[:_BEGINNING]
    start, guess = 0, _guess(beginning)
    is_named_as_text = extension in (*_TEXT_TYPE.extensions, "")
    # Programs and archives have NUL; "MZ Halle 4" is a text. RTF is a document of Office written in ASCII.
    reads_as_text = not (guess and b"\0" in data) and guess != _RTF and is_text(data)
    if not guess and not (is_named_as_text and reads_as_text):
        start, guess = _behind_other_bytes(beginning)
    found = _BY_MEDIA_TYPE.get(guess)
    if found and _has_header(data, start, found):
        return found
    if found and not (is_named_as_text and reads_as_text):
        raise Refused(_(DAMAGED, kind=_(found.label)))
    if not reads_as_text:
        raise WrongKind(_(NOT_TEXT if extension in _TEXT_TYPE.extensions else NOTHING_KNOWN))
    if not is_named_as_text:
        raise WrongKind(_(TEXT_NOT_AS_TEXT))
    return _TEXT_TYPE


def _behind_other_bytes(beginning: bytes) -> tuple[int, str]:
    """Return where a picture or document begins behind other bytes, and the guess of its media type."""
    found = _START_BEHIND.search(beginning, 0, _FRONT_BYTES)
    if not found or _PAGE_OR_SCRIPT.search(beginning, 0, found.start()):
        return 0, ""
    return found.start(), _guess(beginning[found.start() :])


def _guess(beginning: bytes) -> str:
    """Return the media type that the first bytes claim, or ""."""
    # "filetype" knows only some of these.
    if is_archive_or_program(beginning):
        return "application/octet-stream"
    guess = "image/heic" if raster.is_heic(beginning) else filetype.guess_mime(beginning) or ""
    return "image/png" if guess == "image/apng" else guess


def _has_header(data: bytes, start: int, claimed: FileType) -> bool:
    """Say whether the header that the first bytes claim is there; raises Refused for too many pixels."""
    if claimed.media_type == PDF:
        return is_pdf(data)
    try:
        width, height = _SIZES[claimed.media_type](Reader(data, start))
    except BrokenError:
        return False
    if width * height > settings.max_megapixels * MEGAPIXEL:
        raise Refused(_(TOO_MANY_PIXELS, most=settings.max_megapixels))
    return width > 0 and height > 0
