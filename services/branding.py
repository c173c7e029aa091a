"""The office's branding: the colours derived from its own colour, and its logo."""

import colorsys
import re

from filetype import guess_mime

from i18n.system_errors import in_german
from settings import LOGO_MEDIA_TYPES, settings

# The contrast that text needs to its background (WCAG 2.2, 1.4.3).
MIN_CONTRAST = 4.5

# The colour in the icon file that the office's colour replaces.
ICON_COLOUR = "#0b5c8a"

# A larger logo would make visitors with a phone wait.
MAX_LOGO_KIB = 100

# Red, green and blue, each from 0 to 255.
Colour = tuple[int, ...]

WHITE = (255, 255, 255)
LIGHT_PAGE, DARK_PAGE, DARK_PAPER = (244, 246, 248), (17, 23, 29), (26, 34, 42)
DARK_TEXT = (12, 22, 30)


def colour_fault(text: str) -> str:
    """Return a sentence if a text is no colour that can be read on a light page and on its own tint, else ""."""
    if lowest_contrast(text) >= MIN_CONTRAST:
        return ""
    return (
        f"Die Farbe muss auf hellem Grund gut lesbar sein (Kontrast mindestens 4,5 zu 1), etwa #0b5c8a, nicht „{text}“."
    )


def lowest_contrast(text: str) -> float:
    """Return the contrast of a colour to a light page or its own tint, whichever is lower; 0 for other texts."""
    colour = _parsed(text)
    return min(contrast(colour, background) for background in (LIGHT_PAGE, _tint(colour))) if colour else 0


def theme_css(text: str) -> str:
    """Return the CSS with the colours derived from a readable one, for light and dark pages."""
    colour = _parsed(text)
    light = {"accent": colour, "on-accent": WHITE, "tint": _tint(colour)}
    shade = _mixed(colour, DARK_PAPER, 0.22)
    bright = _brightened(colour, shade)
    dark = {"accent": bright, "on-accent": DARK_TEXT, "tint": shade}
    return f":root{{{_properties(light)}}}@media screen and (prefers-color-scheme:dark){{:root{{{_properties(dark)}}}}}"


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, from 1 (none) to 21 (black on white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def load_logo() -> tuple[bytes, str]:
    """Return the logo and a sentence about its fault: one of them is empty, or both if no logo is set."""
    path = settings.logo_path
    if not path:
        return b"", ""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LOGO_KIB * 1024 + 1)
    except OSError as error:
        return b"", (
            f"Das Logo {path} lässt sich nicht lesen: {in_german(error)}. Legen Sie es dorthin, oder nehmen Sie die "
            "Zeile office_logo heraus."
        )
    name, fault = logo_name(content)
    if fault:
        return b"", fault
    if name != settings.office_logo:
        return b"", f"Das Logo {path} ist nicht das, was seine Endung sagt. Bitte speichern Sie es neu."
    return content, ""


def logo_name(content: bytes) -> tuple[str, str]:
    """Return the name that a file gets as the logo and a sentence about its fault: one of them is empty."""
    if len(content) > MAX_LOGO_KIB * 1024:
        return "", f"Das Logo ist größer als {MAX_LOGO_KIB}\N{NO-BREAK SPACE}KB. Bitte verkleinern Sie es."
    media_type = LOGO_MEDIA_TYPES["logo.svg"] if b"<svg" in content[:2048] else guess_mime(content)
    name = next((name for name, known in LOGO_MEDIA_TYPES.items() if known == media_type), "")
    return name, "" if name else "Das Logo muss eine Datei in SVG, PNG, WebP oder JPEG sein."


def _parsed(text: str) -> Colour:
    """Return the colour of a text like "#0b5c8a", or an empty one for other texts."""
    digits = re.fullmatch("#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text)
    return tuple(int(pair, 16) for pair in digits.groups()) if digits else ()


def _luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    return tuple(round(share * c + (1 - share) * o) for c, o in zip(colour, other, strict=True))


def _tint(colour: Colour) -> Colour:
    return _mixed(colour, WHITE, 0.08)


def _brightened(colour: Colour, shade: Colour) -> Colour:
    """Return the colour as bright as it must be to stand out on a dark page, in the same hue and saturation."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    grounds = (DARK_PAGE, DARK_PAPER, shade)
    for percent in range(round(100 * lightness), 101):
        bright = tuple(round(255 * part) for part in colorsys.hls_to_rgb(hue, percent / 100, saturation))
        if all(contrast(bright, background) >= 1.3 * MIN_CONTRAST for background in grounds):
            break
    return bright


def _properties(colours: dict[str, Colour]) -> str:
    return ";".join(f"--{name}:#{r:02x}{g:02x}{b:02x}" for name, (r, g, b) in colours.items())
