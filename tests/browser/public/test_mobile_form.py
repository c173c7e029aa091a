"""The form on a phone: sections that fit, the keyboard's "next", the camera, and small pictures of files."""

import re

import pytest
from PIL import ExifTags, Image
from playwright.sync_api import expect

from tests.support.browser.tab import PHONE, names_of
from tests.support.files.samples import SMALL_PNG, heic, saved
from tests.support.pages import EXAMPLES

HEIGHTS = """[...document.querySelectorAll("form > fieldset, #fields > fieldset")]
    .map((section) => section.getBoundingClientRect().height)"""


@pytest.fixture
def phone(open_tab):
    return open_tab(**PHONE)


def test_sections_fit_a_screen(phone):
    phone.open()
    for category in EXAMPLES:
        phone.choose(category)
        assert max(phone.page.evaluate(HEIGHTS)) <= PHONE["viewport"]["height"]


def test_next_on_the_keyboard_goes_on_and_send_sends(phone, sent):
    phone.begin("warranty")
    for name, following in (("device", "serial_number"), ("order_reference", "description"), ("reference", "name")):
        phone.at(f"#{name}").press("Enter")
        phone.focus_is_on(f"#{following}")
    assert len(sent()) == 0
    phone.at("#pin").press("Enter")
    phone.sees_receipt()
    assert len(sent()) == 1


def test_a_photo_from_the_camera_and_the_pictures_of_files(phone, sent):
    pictures = phone.at(".files img")
    phone.begin("incident")
    camera = phone.at("#camera")
    expect(phone.at(".camera")).to_be_visible()
    assert (camera.get_attribute("capture"), camera.get_attribute("name")) == ("environment", None)

    lying = Image.new("RGB", (4000, 3000), "teal")
    # A phone held upright stores the picture unrotated, with an orientation tag.
    lying.getexif()[ExifTags.Base.Orientation] = 6
    camera.set_input_files(phone.on_disk(("Foto.jpg", saved(lying, "JPEG", exif=lying.getexif()))))
    phone.sees_files("Foto.jpg")
    # Drawn after the upload, one picture after the other.
    expect(pictures).to_have_attribute("src", re.compile("^data:image/webp;base64,"))
    size = pictures.evaluate("(image) => image.decode().then(() => [image.naturalWidth, image.naturalHeight])")
    assert size == [132, 176]
    assert pictures.get_attribute("alt") == ""
    assert (pictures.bounding_box()["width"], pictures.bounding_box()["height"]) == (44, 44)

    phone.add_files(("Bild.heic", heic()), ("Protokoll.log", b"ok"), ("Meldung.png", SMALL_PNG))
    phone.sees_files("Foto.jpg", "Bild.heic", "Protokoll.log", "Meldung.png")
    with_picture = phone.at(".files li:has(img) .file-name")
    # Chromium cannot decode HEIC.
    expect(with_picture).to_have_text(["Foto.jpg", "Meldung.png"])
    phone.page.get_by_role("button", name="Protokoll.log entfernen").click()
    expect(with_picture).to_have_text(["Foto.jpg", "Meldung.png"])
    phone.choose("new_employee")
    phone.choose("warranty")
    expect(with_picture).to_have_text(["Foto.jpg", "Meldung.png"])
    phone.send()
    phone.focus_is_on(".summary")
    expect(with_picture).to_have_text(["Foto.jpg", "Meldung.png"])
    phone.fill(EXAMPLES["warranty"])
    phone.send()
    phone.sees_receipt()
    assert names_of(*sent()) == ["Bild.heic", "Foto.jpg", "Meldung.png"]
    assert len([request for request in phone.requests if request.url.endswith("/anhaenge")]) == 2


@pytest.mark.parametrize("options", [{}, PHONE | {"java_script_enabled": False}], ids=["no touch", "no scripts"])
def test_where_the_camera_is_not_offered(open_tab, options):
    tab = open_tab(**options)
    tab.open("/?art=stoerung")
    expect(tab.at("#files")).to_be_attached()
    expect(tab.at(".camera")).to_be_hidden()
