"""Try the file check with files of real programs: python -m tools.real_files FOLDER

Makes honest files in FOLDER/good, and programs and archives in FOLDER/bad, with the programs that are installed:
ImageMagick, libheif, libwebp, ffmpeg, libtiff, Ghostscript, qpdf, poppler, LibreOffice, exiftool, 7-Zip, gcc, iconv.
Then it stages each one in a new portal, and prints which honest ones were refused and which bad ones came in. If
FOLDER exists, its files are only tried again.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import clock
from app import create_app
from database import database
from models import Attachment
from services.files import attachments
from services.files.incoming import received
from settings import settings

TIMEOUT_SECONDS = 120

TEXT = """Sehr geehrte Damen und Herren,
im Büro an der Königsallee fällt täglich gegen 10 Uhr das Netz aus, außerdem läuft der Drucker heiß.
Müller GmbH & Co. KG\tGrüße: Ä Ö Ü ä ö ü ß
"""
PAGE = "%!PS\n/Helvetica findfont 40 scalefont setfont 50 700 moveto (Rechnung 4711) show showpage\n"

# What the recipes start from. All commands run in one folder.
BEGINNINGS = [
    "convert -size 640x480 plasma:red-blue -depth 8 photo.png",
    "convert -size 300x200 plasma:green-white -alpha set -channel A -evaluate set 50% alpha.png",
    "convert -size 1240x1754 xc:white -pointsize 48 -draw \"text 100,200 'Rechnung 4711'\" -monochrome scan.png",
    "convert photo.png -depth 16 deep.png",
    "convert photo.png photo.jpg",
    "convert photo.png -compress none photo.tif",
    "convert photo.png -colorspace CMYK cmyk.jpg",
    "cwebp -quiet photo.png -o photo.webp",
    "heif-enc photo.png -o photo.heic",
    "gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -o page.pdf page.ps page.ps page.ps",
    "ffmpeg -v error -f lavfi -i testsrc=d=1:r=10:s=160x120 film.mp4",
    "ffmpeg -v error -f lavfi -i sine=d=1 tone.wav",
    "printf 'int main(void){return 0;}' > program.c && gcc program.c -o program",
    "printf '<h1>Rechnung</h1><p>Guten Tag</p><table><tr><td>Größe</td><td>3</td></tr></table>' > letter.html",
    "soffice --headless --convert-to odt letter.html && soffice --headless --convert-to docx letter.odt",
    "printf 'Name;Ort\\nMüller;Köln\\n' > table.csv && soffice --headless --convert-to xlsx table.csv",
    "zip -q archive.zip text.txt letter.html",
    "7z a archive.7z text.txt",
    "tar czf archive.tar.gz text.txt",
    "tar cJf archive.tar.xz text.txt",
    "convert -delay 20 photo.png alpha.png -resize 99x animated.gif",
]

_SIZES = ["1x1", "7x5", "333x111"]
_MODES = {
    "rgb": "",
    "gray": "-colorspace Gray",
    "black": "-monochrome",
    "palette": "-colors 16 -type Palette",
    "alpha": "-alpha set -channel A -evaluate set 50%",
    "deep": "-depth 16",
}
_PICTURES = {
    "png": ["-interlace PNG", "-quality 00", "-quality 95 -set comment Büro"],
    "jpg": ["-quality 30", "-quality 95 -sampling-factor 4:4:4", "-interlace JPEG -set comment Büro"],
    "gif": ["", "-interlace GIF"],
    "webp": ["-quality 40", "-define webp:lossless=true"],
    "bmp": ["", "-define bmp:format=bmp2", "-define bmp:format=bmp3", "-compress RLE"],
    "tif": [
        *("-compress none", "-compress lzw", "-compress zip", "-compress rle", "-compress jpeg"),
        *("-endian MSB", "-define tiff:tile-geometry=64x64", "-define tiff:rows-per-strip=1"),
    ],
}
_GS_DEVICES = {
    "png": "png16m pnggray pngmono png256 pngalpha",
    "jpg": "jpeg jpeggray jpegcmyk",
    "bmp": "bmp16m bmp256 bmpgray bmpmono bmp32b",
    "tif": "tiff24nc tiffgray tiff32nc tiffg3 tiffg32d tiffg4 tifflzw tiffpack tiffcrle tiff64nc",
    "pdf": "pdfimage8 pdfimage24 pdfimage32",
}
_QPDF = [
    *("--linearize", "--object-streams=generate", "--object-streams=disable", "--stream-data=uncompress", "--qdf"),
    *("--force-version=1.3", "--min-version=1.7", "--rotate=90:1", "--coalesce-contents --normalize-content=y"),
    *("--encrypt a b 256 --", "--encrypt '' b 256 --", "--encrypt a b 128 --use-aes=y --"),
    *("--allow-weak-crypto --encrypt a b 40 --", "--add-attachment text.txt --", "--empty --pages page.pdf 1-2 --"),
    "--linearize --object-streams=generate --encrypt '' b 256 --",
]
_EXPORTS = ["SelectPdfVersion 1", "SelectPdfVersion 2", "SelectPdfVersion 17", "UseTaggedPDF true", "Quality 30"]
_EXPORTS += ["EncryptFile true", "ExportBookmarks true", "UseLosslessCompression true"]
_TAGS = "-Artist='Jörg Müller' -ImageDescription=Büro -GPSLatitude=51.2 -GPSLatitudeRef=N -Orientation#=6"
_CODE_PAGES = ["UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "CP1252", "CP850", "CP437", "ISO-8859-1", "ISO-8859-15"]


def good_recipes():
    """Yield endings and commands that write an honest file to OUT."""
    for ending, formats in _PICTURES.items():
        for form, mode in itertools.product(formats, _MODES.values()):
            yield ending, f"convert photo.png -resize 120x {mode} {form} OUT"
        for size, form in itertools.product(_SIZES, formats[:2]):
            yield ending, f"convert -size {size} plasma: {form} OUT"
        yield ending, f"convert photo.png -resize 1200x900! {formats[0]} OUT"
        yield ending, "ffmpeg -v error -f lavfi -i testsrc=s=200x100 -frames:v 1 -update 1 OUT"
    for form in ("-compress lzw", "-compress Group4 -monochrome", "-compress Fax -monochrome"):
        yield "tif", f"convert scan.png photo.png alpha.png {form} OUT"
    for ending in ("gif", "webp", "apng"):
        form = "-f apng" if ending == "apng" else ""
        yield "png" if ending == "apng" else ending, f"ffmpeg -v error -i film.mp4 {form} OUT"
    yield "gif", "convert -delay 20 photo.png alpha.png -resize 99x -loop 0 OUT"
    yield "webp", "gif2webp -quiet animated.gif -o OUT"
    for form in ("-lossless", "-q 5", "-near_lossless 60", "-metadata all -q 90", "-crop 0 0 9 9", "-alpha_q 10"):
        yield "webp", f"cwebp -quiet {form} alpha.png -o OUT"
    for form in ("-q 10", "-q 90", "-L -p chroma=444", "-t 160", "-b 12", "--no-alpha", "-E", "deep.png", "alpha.png"):
        yield "heic", f"heif-enc {form} photo.png -o OUT"
    for ending, tags in itertools.product(("jpg", "png", "tif", "heic"), (_TAGS, "-all=", "-XMP:Title=Büro")):
        yield ending, f"exiftool -q {tags} -o OUT photo.{ending}"
    yield "jpg", "exiftool -q '-ThumbnailImage<=photo.jpg' -o OUT cmyk.jpg"
    for form in ("none", "lzw", "lzw:2", "zip", "packbits"):
        yield "tif", f"tiffcp -c {form} photo.tif OUT"
    for form in ("-B", "-L", "-t", "-p separate", "-r 8"):
        yield "tif", f"tiffcp {form} photo.tif photo.tif OUT"
    yield from good_documents()
    for page, end, ending in itertools.product(_CODE_PAGES, ("LF", "CRLF", "CR"), ("txt", "log")):
        yield ending, f"iconv -f UTF-8 -t {page} {end}.txt > OUT"
    for said in ("man -P cat ls", "ls -l --color=always /etc", "gcc --help", "qpdf --json page.pdf", "7z l archive.7z"):
        yield "log", f"{said} > OUT"
    yield "log", "script -qc 'ls -l --color=always /usr' OUT"
    yield "log", "ffmpeg -y -i film.mp4 -f null - 2> OUT"


def good_documents():
    """Yield endings and commands of PDF files, and of pictures and texts made of them."""
    for ending, devices in _GS_DEVICES.items():
        for device in devices.split():
            yield ending, f"gs -q -dBATCH -dNOPAUSE -r60 -sDEVICE={device} -sOutputFile=OUT page.ps"
    forms = [f"-dCompatibilityLevel=1.{minor}" for minor in range(2, 8)] + ["-dCompatibilityLevel=2.0"]
    forms += [f"-dPDFSETTINGS=/{name}" for name in ("screen", "ebook", "printer", "prepress")]
    forms += [f"-dPDFA={part} -sColorConversionStrategy=RGB" for part in (1, 2, 3)]
    forms += [
        "-dFastWebView",
        "-dCompressPages=false",
        "-sOwnerPassword=a -sUserPassword=b -dEncryptionR=3 -dKeyLength=128",
    ]
    for form in forms:
        yield "pdf", f"gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite {form} -sOutputFile=OUT page.ps page.ps"
    for form in _QPDF:
        yield "pdf", f"qpdf {'' if '--empty' in form else 'page.pdf'} {form} OUT"
    for name, value in (export.split() for export in _EXPORTS):
        kind = "long" if value.isdigit() else "boolean"
        rest = ',"DocumentOpenPassword":{"type":"string","value":"a"}' if name == "EncryptFile" else ""
        options = f'{{"{name}":{{"type":"{kind}","value":"{value}"}}{rest}}}'
        yield (
            "pdf",
            f"soffice --headless --convert-to 'pdf:writer_pdf_Export:{options}' letter.odt && mv letter.pdf OUT",
        )
    for source, ending in (("table.csv", "pdf"), ("photo.png", "pdf"), ("letter.odt", "png"), ("letter.odt", "jpg")):
        made = Path(source).with_suffix(f".{ending}")
        yield (
            ending,
            f"cp {source} a-{source} && soffice --headless --convert-to {ending} a-{source} && mv a-{made} OUT",
        )
    for code in ("UTF8", "MS_1252", "IBM_850"):
        yield "txt", f"soffice --headless --convert-to 'txt:Text (encoded):{code}' letter.odt && mv letter.txt OUT"
    for ending, flag in (("png", "-png"), ("jpg", "-jpeg"), ("tif", "-tiff")):
        yield ending, f"pdftocairo {flag} -singlefile page.pdf - > OUT"
    yield "pdf", "pdfunite page.pdf page.pdf OUT"
    yield "pdf", "tiff2pdf -o OUT photo.tif"
    yield "pdf", "pdftocairo -pdf page.pdf OUT"
    yield "pdf", "exiftool -q -Title=Büro -o OUT page.pdf"
    for form in ("-enc UTF-8", "-enc Latin1 -eol dos", "-layout"):
        yield "txt", f"pdftotext {form} page.pdf OUT"


# Programs, archives and other files that no viewer of pictures, documents or texts opens.
BAD = {
    "zip": "cp archive.zip OUT",
    "7z": "cp archive.7z OUT",
    "tar": "tar cf OUT text.txt program",
    "tar.gz": "tar czf OUT text.txt",
    "tar.xz": "tar cJf OUT text.txt",
    "bz2": "bzip2 -kc text.txt > OUT",
    "jar": "jar cf OUT text.txt || cp archive.zip OUT",
    "docx": "cp letter.docx OUT",
    "xlsx": "cp table.xlsx OUT",
    "odt": "cp letter.odt OUT",
    "elf": "cp program OUT",
    "o": "gcc -c program.c -o OUT",
    "so": "gcc -shared -fPIC program.c -o OUT",
    "a": "gcc -c program.c -o program.o && ar rcs OUT program.o",
    "exe": "7z a -sfx OUT text.txt",
    "iso": "genisoimage -quiet -o OUT text.txt program",
    "mp4": "cp film.mp4 OUT",
    "wav": "cp tone.wav OUT",
    "mp3": "ffmpeg -v error -i tone.wav OUT",
    "mkv": "ffmpeg -v error -i film.mp4 OUT",
    "avi": "ffmpeg -v error -i film.mp4 OUT",
    "avif": "heif-enc -A photo.jpg -o OUT",
    "psd": "convert photo.png OUT",
    "ico": "convert photo.png -resize 32x OUT",
    "pyc": 'python3 -c \'import py_compile; py_compile.compile("recipe.py", "OUT")\'',
    "sqlite": 'python3 -c \'import sqlite3; sqlite3.connect("OUT").execute("create table a(b)")\'',
    # Texts that would run, or show a page, by their ending.
    "html": "cp letter.html OUT",
    "svg": "convert photo.png -resize 20x OUT",
    "js": "printf 'alert(1)' > OUT",
    "ps1": "printf 'Get-Process' > OUT",
    "bat": "printf 'dir' > OUT",
    "eps": "gs -q -dBATCH -dNOPAUSE -sDEVICE=eps2write -sOutputFile=OUT page.ps",
}
_ARE_TEXT = ("html", "svg", "js", "ps1", "bat", "eps")
_DISGUISES = ("jpg", "png", "heic", "pdf", "txt", "log")
_HOSTS = ("photo.jpg", "photo.png", "photo.tif", "photo.webp", "photo.heic", "page.pdf", "text.txt")
_HIDDEN = ("archive.zip", "archive.7z", "archive.tar.gz", "archive.tar.xz", "letter.docx", "program")


def main(folder):
    """Make the files, if the folder is new, and try them; returns whether one was judged wrongly."""
    work = Path(folder).resolve()
    if not work.exists():
        make_all(work)
    with tempfile.TemporaryDirectory() as data_dir:
        settings.load({"TICKET_DATA_DIR": data_dir, "TICKET_LIMITS": "off"})
        with create_app().app_context(), database.connection_context():
            good, bad = judge(work / "good"), judge(work / "bad")
    wrong = [path for path, verdict in good.items() if verdict.sentence or not verdict.is_shown]
    came_in = [path for path, verdict in bad.items() if not verdict.sentence]
    for path in wrong:
        print(f"honest: {path.name}: {good[path].sentence or 'came in, but is shown wrongly'}")
    for path in came_in:
        print(f"came in, though bad: {path.name}")
    slowest, verdict = max((good | bad).items(), key=lambda item: item[1].seconds)
    print(dict(Counter(path.suffix for path in good)))
    print(f"{len(good)} honest files, {len(wrong)} wrong. {len(bad)} programs and archives, {len(came_in)} came in.")
    print(f"The slowest to stage was {slowest.name} with {verdict.seconds:.3f} s of CPU.")
    return bool(wrong or came_in)


def make_all(work):
    """Make the files that the recipes start from, and from them the honest and the bad ones."""
    for name in ("good", "bad"):
        (work / name).mkdir(parents=True)
    (work / "text.txt").write_text(TEXT, "utf-8")
    for name, newline in {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}.items():
        (work / f"{name}.txt").write_text(TEXT * 20, "utf-8", newline=newline)
    (work / "page.ps").write_text(PAGE, "ascii")
    (work / "recipe.py").write_text("print(1)\n", "ascii")
    for command in BEGINNINGS:
        run(work, command)
    for number, (ending, command) in enumerate(good_recipes()):
        run(work, command, work / "good" / f"{number:03}-{command.split()[0]}.{ending}")
    # A wrong ending, as programs and people give it.
    kinds = ("photo.jpg", "photo.png", "photo.tif", "photo.webp", "photo.heic", "page.pdf")
    for source, ending in itertools.product(kinds, ("jpg", "png", "HEIC", "pdf", "gif")):
        run(work, f"cp {source} OUT", work / "good" / f"{source}.{ending}")
    for ending, command in BAD.items():
        path = work / "bad" / f"programm.{ending}"
        run(work, command, path)
        for disguise in () if ending in _ARE_TEXT or not path.exists() else _DISGUISES:
            run(work, f"cp {path} OUT", work / "bad" / f"{ending}-als.{disguise}")
    for host, hidden in itertools.product(_HOSTS, _HIDDEN):
        run(work, f"cat {host} {hidden} > OUT", work / "bad" / f"{hidden}-hinter-{host}")
        run(work, f"cat {hidden} {host} > OUT", work / "bad" / f"{hidden}-vor-{host}")


def run(work, command, path=None):
    """Run a command that writes a file to OUT; says so if it fails, and then leaves no file."""
    environment = os.environ | {"HOME": str(work), "LC_ALL": "C.UTF-8"}
    options = {"cwd": work, "env": environment, "capture_output": True, "stdin": subprocess.DEVNULL}
    done = subprocess.run(
        ["sh", "-c", command.replace("OUT", str(path))], timeout=TIMEOUT_SECONDS, check=False, **options
    )
    if done.returncode:
        print(f"not made: {command}: {done.stderr.decode(errors='replace').strip()[-200:]}")
        if path:
            path.unlink(missing_ok=True)


class Verdict(NamedTuple):
    """What became of a file: why it was refused or "", whether its text is shown rightly, CPU seconds of staging it."""

    sentence: str
    is_shown: bool
    seconds: float


def judge(folder):
    """Return the verdict on each file of a folder."""
    found = {}
    for number, path in enumerate(sorted(folder.iterdir())):
        key, began = f"{number:022}", time.thread_time()
        with received(path.read_bytes()) as file:
            refusals = attachments.stage(key, [(path.name, file)], "127.0.0.1", clock.now())
        seconds, staged = time.thread_time() - began, list(Attachment.staged(key))
        is_shown = all("Königsallee" in attachments.first_lines(file) for file in staged if "iconv" in path.name)
        found[path] = Verdict(str(refusals[0]) if refusals else "", is_shown, seconds)
        for file in staged:
            attachments.remove(key, file.stored_name)
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
