"""The office's branding: a colour that is readable everywhere or left out, and the logo."""

import io
import re
import zipfile

import pytest
from PIL import Image

from app import create_app
from settings import Settings, StartError, settings
from tests.support.pages import Page, static_urls

TEXTS = ("accent", "text", "soft", "error", "late")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 1"><path d="M0 0h4v1H0z"/></svg>'


def picture(kind, side=8):
    file = io.BytesIO()
    Image.effect_noise((side, side), 90).save(file, kind)
    return file.getvalue()


@pytest.fixture
def open_with(app):
    """Open the form of a portal that is started anew with other settings."""

    def open_page(logo=None, **options):
        if logo:
            (settings.data_dir / options["office_logo"]).write_bytes(logo)
        environment = {f"TICKET_{name.upper()}": value for name, value in options.items()}
        settings.load({"TICKET_DATA_DIR": str(settings.data_dir)} | environment)
        client = create_app().test_client()
        return client, Page(client.get("/"))

    return open_page


def colours_of(client, page):
    """Return the colours of the stylesheet as pairs of a light page's and a dark one's, by name."""
    address = next(link.get("href") for link in page.tree.iter("link") if link.get("rel") == "stylesheet")
    on_screens = re.sub(r"@media print {.*?\n}\n", "", client.get(address).text, flags=re.DOTALL)
    found = {}
    for name, colour in re.findall(r"--([a-z-]+): ?(#[0-9a-f]+)", on_screens):
        found.setdefault(name, []).append(colour)
    return found


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    "colour", ["#0b5c8a", "#000000", "#B3161D", "#00695c", "#7a4a00", "#5b2a86", "#2e7d32", "#1a1aff"]
)
def test_everything_can_be_read_in_the_office_colour(open_with, colour):
    found = colours_of(*open_with(office_colour=colour))
    assert found["accent"][0] == colour.lower()
    for scheme in (0, 1):
        at = {name: (values * 2)[scheme] for name, values in found.items()}
        assert contrast(at["accent"], at["on-accent"]) >= 4.5
        # A frame or a ring must be seen, too.
        assert contrast(at["line"], at["paper"]) >= 3
        for name in TEXTS:
            for ground in ("page", "paper", "tint"):
                assert contrast(at[name], at[ground]) >= 4.5, f"{name} on {ground}"


@pytest.mark.parametrize("colour", ["#ffcc00", "#808080", "#fff", "blau", "#0b5c8", "", "#0b5c8a;}body{display:none"])
def test_colour_that_cannot_be_read_is_left_out_and_said(open_with, colour):
    found = colours_of(*open_with(office_colour=colour))
    assert found["accent"][0] == Settings.office_colour
    assert "gut lesbar sein (Kontrast mindestens 4,5 zu 1)" in settings.config_fault


@pytest.mark.parametrize(
    ("name", "logo", "media_type"),
    [
        ("logo.svg", SVG, "image/svg+xml"),
        ("logo.png", picture("PNG"), "image/png"),
        ("logo.webp", picture("WEBP"), "image/webp"),
        ("logo.jpg", picture("JPEG"), "image/jpeg"),
    ],
)
def test_logo_replaces_the_name(open_with, name, logo, media_type):
    client, page = open_with(logo, office_logo=name, office_name="Muster-IT")
    image = page.tree.find(".//header//img")
    assert image.get("alt") == "Muster-IT"
    assert len(static_urls(page)) == 3
    answer = client.get(image.get("src"))
    assert (answer.data, answer.mimetype) == (logo, media_type)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("name", "logo", "sentence"),
    [
        ("logo.svg", None, "lässt sich nicht lesen"),
        ("logo.png", SVG, "ist nicht das, was seine Endung sagt"),
        ("logo.webp", picture("PNG"), "ist nicht das, was seine Endung sagt"),
        ("logo.svg", b"Kein Bild", "muss eine Datei in SVG, PNG, WebP oder JPEG sein"),
        ("logo.png", picture("PNG", 400), "ist größer als 100\xa0KB"),
    ],
)
def test_unusable_logo_is_left_out_and_said(open_with, run_command, name, logo, sentence):
    _, page = open_with(logo, office_logo=name)
    assert page.tree.find(".//header//img") is None
    assert sentence in settings.config_fault
    settings.office_logo = name
    assert sentence in run_command("pruefen").stdout
    saved = run_command("sichern")
    assert (saved.exit_code, sentence in saved.stdout) == (0, True)
    (path,) = settings.backups_dir.glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        assert name not in archive.namelist()


def test_logo_elsewhere_is_refused(open_with):
    with pytest.raises(StartError, match="muss eine dieser Dateien im Datenordner sein"):
        open_with(office_logo="../logo.svg")


def test_logo_is_part_of_a_backup(app, run_command, monkeypatch):
    (settings.data_dir / "logo.svg").write_bytes(SVG)
    monkeypatch.setattr(settings, "office_logo", "logo.svg")
    assert run_command("sichern").exit_code == 0
    (path,) = settings.backups_dir.glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.read("logo.svg") == SVG
    monkeypatch.setattr(settings, "data_dir", settings.data_dir.with_name("elsewhere"))
    assert run_command("wiederherstellen", str(path)).exit_code == 0
    assert settings.logo_path.read_bytes() == SVG


def test_stylesheets_stay_small(clara):
    page = clara.get("/verwaltung/")
    addresses = [link.get("href") for link in page.tree.iter("link") if link.get("rel") == "stylesheet"]
    # The office's own holds the looks of its tables, and nobody loads it on the road.
    for address, most in zip(addresses, (10_000, 14_000), strict=True):
        assert len(clara.client.get(address).data) <= most
