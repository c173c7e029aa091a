"""The corpus: files and what the check must say of each, all made in memory.

To open them in other programs, write them into a folder: python -m tests.support.files.corpus FOLDER
"""

import sys
from pathlib import Path
from typing import NamedTuple

from tests.support.files.bad_files import BAD, denial_of_service_files
from tests.support.files.good_documents import ACTIVE
from tests.support.files.good_files import GOOD, RENAMED

MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpe": "image/jpeg",
    "jfif": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "heif": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "log": "text/plain",
}


class Case(NamedTuple):
    """A file and the expected result: name, type and active content if it is accepted, else a part of the reason."""

    key: str
    name: str
    content: bytes
    shown: str = ""
    media_type: str = ""
    active_content: str = ""
    reason: str = ""


def good():
    """Return all files that are accepted."""
    files = {key: (name, name, content, "") for key, (name, content) in GOOD.items()}
    files |= {key: (name, shown, content, "") for key, (name, shown, content) in RENAMED.items()}
    files |= {key: (name, name, content, words) for key, (name, content, words) in ACTIVE.items()}
    return [
        Case(key, name, content, shown, MEDIA_TYPES[shown.rpartition(".")[2].lower()], words)
        for key, (name, shown, content, words) in files.items()
    ]


def bad():
    """Return all files that are refused, except those made to exhaust the server."""
    return [Case(key, name, content, reason=reason) for key, (name, content, reason) in BAD.items()]


def denial_of_service():
    """Return files that are made to exhaust the server, most of the largest allowed size."""
    return [
        Case(key, name, content, reason=reason) for key, (name, content, reason) in denial_of_service_files().items()
    ]


def main():
    folder = Path(sys.argv[1])
    for verdict, cases in (("gut", good()), ("schlecht", [*bad(), *denial_of_service()])):
        (folder / verdict).mkdir(parents=True, exist_ok=True)
        for case in cases:
            (folder / verdict / f"{case.key} - {case.name}").write_bytes(case.content)


if __name__ == "__main__":
    main()
