"""The office's logo: what its file holds, or why no page may show it."""

from filetype import guess_mime

from faults import in_german
from settings import LOGOS, settings

# A larger logo is what the first visitor on a phone waits for.
MAX_KIB = 100


def load():
    """Return the logo and a sentence about what is wrong with it; one of both is empty, and both are without a logo."""
    path = settings.logo_path
    if not path:
        return b"", ""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KIB * 1024 + 1)
    except OSError as error:
        return b"", (
            f"Das Logo {path} lässt sich nicht lesen: {in_german(error)}. Legen Sie es dorthin, oder nehmen Sie die "
            "Zeile office_logo heraus."
        )
    if len(content) > MAX_KIB * 1024:
        return b"", f"Das Logo {path} ist größer als {MAX_KIB}\N{NO-BREAK SPACE}KiB. Bitte verkleinern Sie es."
    is_drawing = b"<svg" in content[:2048]
    if (LOGOS["logo.svg"] if is_drawing else guess_mime(content)) != LOGOS[settings.office_logo]:
        return b"", f"Das Logo {path} ist nicht das, was seine Endung sagt. Bitte speichern Sie es neu."
    return content, ""
