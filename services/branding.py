"""The office's look: the colours derived from its own one, and its logo."""

import colorsys
import re

from filetype import guess_mime

from i18n.system_errors import in_german
from settings import LOGO_MEDIA_TYPES, settings

# Text that anybody is to read needs this contrast to what lies behind it (WCAG 2.2, 1.4.3).
MIN_CONTRAST = 4.5

# What stands for the office's colour in the icon.
ICON_COLOUR = "#0b5c8a"

# A larger logo is what the first visitor on a phone waits for.
MAX_LOGO_KIB = 100

WHITE = (255, 255, 255)
LIGHT_PAGE, DARK_PAGE, DARK_PAPER = (244, 246, 248), (17, 23, 29), (26, 34, 42)
DARK_TEXT = (12, 22, 30)


def colour_fault():
    """Return a sentence about an office colour that cannot be read on a light page, or ""."""
    if is_readable_colour(settings.office_colour):
        return ""
    return (
        "Die Einstellung „office_colour“ muss eine Farbe sein, die auf hellem Grund gut lesbar ist (Kontrast "
        f"mindestens 4,5 zu 1), etwa #0b5c8a, nicht „{settings.office_colour}“."
    )


def is_readable_colour(text):
    """Say whether a text is a colour like "#0b5c8a" that can be read on a light page, tinted with itself or not."""
    colour = _parsed(text)
    return colour is not None and all(
        contrast(colour, background) >= MIN_CONTRAST for background in (LIGHT_PAGE, _tint(colour))
    )


def theme_css(text):
    """Return the part of a stylesheet that sets the colours which follow from a readable one."""
    colour = _parsed(text)
    light = {"accent": colour, "on-accent": WHITE, "tint": _tint(colour)}
    shade = _mixed(colour, DARK_PAPER, 0.22)
    bright = _brightened(colour, shade)
    dark = {"accent": bright, "on-accent": DARK_TEXT, "tint": shade}
    return f":root{{{_properties(light)}}}@media screen and (prefers-color-scheme:dark){{:root{{{_properties(dark)}}}}}"


def contrast(one, other):
    """Return the contrast of two colours, from 1 for none to 21 for black on white."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def load_logo():
    """Return the logo and a sentence about what is wrong with it; one of both is empty, and both are without a logo."""
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
    if len(content) > MAX_LOGO_KIB * 1024:
        return b"", f"Das Logo {path} ist größer als {MAX_LOGO_KIB}\N{NO-BREAK SPACE}KiB. Bitte verkleinern Sie es."
    is_drawing = b"<svg" in content[:2048]
    if (LOGO_MEDIA_TYPES["logo.svg"] if is_drawing else guess_mime(content)) != LOGO_MEDIA_TYPES[settings.office_logo]:
        return b"", f"Das Logo {path} ist nicht das, was seine Endung sagt. Bitte speichern Sie es neu."
    return content, ""


def _parsed(text):
    digits = re.fullmatch("#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text)
    return digits and tuple(int(pair, 16) for pair in digits.groups())


def _luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mixed(colour, other, share):
    return tuple(round(share * c + (1 - share) * o) for c, o in zip(colour, other, strict=True))


def _tint(colour):
    return _mixed(colour, WHITE, 0.08)


def _brightened(colour, shade):
    """Return the colour as bright as it must be to stand out on a dark page; in hue and saturation it stays itself."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    grounds = (DARK_PAGE, DARK_PAPER, shade)
    for percent in range(round(100 * lightness), 101):
        bright = tuple(round(255 * part) for part in colorsys.hls_to_rgb(hue, percent / 100, saturation))
        if all(contrast(bright, background) >= 1.3 * MIN_CONTRAST for background in grounds):
            break
    return bright


def _properties(colours):
    return ";".join(f"--{name}:#{r:02x}{g:02x}{b:02x}" for name, (r, g, b) in colours.items())
