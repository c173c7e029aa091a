"""Customers imported from a CSV file as Excel and others write it: a preview first, then all or nothing."""

import io

import pytest

from database import database
from models import Customer
from services.customers import csv_import, customers
from tests.support.cast import NOW
from tests.support.contacts import set_contact
from tests.support.staff import IMPORT, RUN_IMPORT

LETTERS = "/verwaltung/kunden/pin-briefe"

TEXT = (
    "Kundennummer;Name;Ansprechpartner;E-Mail;Mail-Domain;Voll betreut\r\n"
    "K2001;Müller & Söhne;Uwe Müller;uwe@mueller.example;mueller.example;ja\r\n"
    "K2002;Zahnärzte am Markt;;;;nein\r\n"
)
STORED = [
    ("K2001", "Müller & Söhne", "Uwe Müller", "uwe@mueller.example", "mueller.example", True),
    ("K2002", "Zahnärzte am Markt", "", "", "", False),
]


@pytest.fixture
def stored(app):
    """Return what is stored of all customers, by number."""

    def load():
        with database.connection_context():
            names = ("number", "name", "contact_name", "email", "mail_domain", "fully_managed")
            return [tuple(getattr(customer, name) for name in names) for customer in Customer.by_number()]

    return load


def upload(visitor, content, name="Kunden.csv"):
    """Choose a file and look at the preview."""
    if isinstance(content, str):
        content = content.encode()
    return visitor.post(IMPORT, visitor.get(IMPORT).fields().to_dict() | {"file": (io.BytesIO(content), name)})


def confirm(visitor, preview, **ticked):
    """Press the button of the preview."""
    return visitor.post(RUN_IMPORT, preview.fields().to_dict() | ticked)


def faults(page):
    """Return the sentences of the preview by the number of the faulty line."""
    return sentences(page, "error")


def notices(page):
    """Return the sentences of the preview about values that are left out, by the number of the line."""
    return sentences(page, "warning")


def sentences(page, kind):
    found = {}
    for row in page.tree.iter("div"):
        said = ["".join(span.itertext()) for span in row.iter("span") if span.get("class") == kind]
        if row.find("dt") is not None and said:
            found[row.findtext("dt")] = said
    return found


def chosen_encoding(page):
    """Return the encoding that the preview has chosen, None if it offers no choice."""
    return page.fields(RUN_IMPORT).get("encoding")


def test_import(clara, stored):
    preview = upload(clara, TEXT.encode("cp1252"))
    assert (preview.status, faults(preview), stored()) == (200, {}, [])
    assert "2 Zeilen sind in Ordnung, 0 fehlerhaft." in preview.text
    assert "Müller &amp; Söhne" in preview.text
    answer = confirm(clara, preview)
    assert (answer.status, answer.response.location) == (303, f"{LETTERS}?eingelesen=2")
    assert stored() == STORED
    with database.connection_context():
        assert [(row.pin_hash, row.created_at) for row in Customer.select()] == [(None, NOW)] * 2
    page = clara.get(answer.response.location)
    assert "2 neue Kunden sind eingelesen." in page.text
    assert len(page.fields().getlist("customers")) == 2


AS_EXCEL_WRITES_IT = {
    "Windows-1252": TEXT.encode("cp1252"),
    "UTF-8": TEXT.encode(),
    "UTF-8 with BOM": TEXT.encode("utf-8-sig"),
    "UTF-8 with two BOMs and quotes": b"\xef\xbb\xbf\xef\xbb\xbf"
    + TEXT.replace("Kundennummer", '"Kundennummer"').encode(),
    "UTF-16": b"\xff\xfe" + TEXT.encode("utf-16-le"),
    "UTF-16 without BOM": TEXT.encode("utf-16-le"),
    "UTF-16 from a Mac": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "MS-DOS with its end of file": TEXT.encode("cp850") + b"\x1a",
    "MS-DOS with its end of file on a line": TEXT.encode("cp850") + b"\x1a\r\n",
    "Mac with its line ends": TEXT.replace("\r\n", "\r").encode("mac_roman"),
    "Unicode text with tabs": b"\xff\xfe" + TEXT.replace(";", "\t").encode("utf-16-le"),
    "comma": TEXT.replace(";", ",").encode(),
    "sep line": b"sep=;\r\n" + TEXT.encode("cp1252"),
    "sep line, comma": b'\xef\xbb\xbf"sep=,"\r\n' + TEXT.replace(";", ",").encode(),
    "line feeds": TEXT.replace("\r\n", "\n").encode(),
    "no last line end": TEXT.rstrip().encode(),
    "empty lines": ("\r\n" + TEXT.replace("\r\n", "\r\n;;;;;\r\n\r\n")).encode(),
    "quotes": TEXT.replace("Müller & Söhne", '"Müller & Söhne"').encode(),
    "line break in a cell": TEXT.replace("Müller & Söhne", '"Müller &\nSöhne"').encode(),
    "blanks before quotes": TEXT.replace("Müller & Söhne", ' "Müller & Söhne"').encode(),
    "blanks": TEXT.replace(";", " ; ").replace("Müller & Söhne", "Müller\xa0& Söhne").encode(),
    "invisible characters": TEXT.replace("er", "e\u200br").replace("K2001", "\ufeffK\u00ad2001").encode(),
    "a table in a word processor": TEXT.replace("Müller & Söhne", "Müller\u2028&\x0bSo\u0308hne\u202c").encode(),
    "other names": TEXT.replace("Kundennummer;Name", "KD-NR.;Firma").replace("E-Mail;Mail-", "mail;").encode(),
    "capitals": TEXT.replace("Kundennummer;Name", "KUNDENNUMMER;NAME").encode(),
    "more columns": TEXT.replace("\r\n", ";Köln\r\n").replace("betreut;Köln", "betreut;Ort").encode(),
    "short lines": TEXT.replace(";mueller.example;ja", ";mueller.example").encode(),
}


@pytest.mark.parametrize("content", AS_EXCEL_WRITES_IT.values(), ids=AS_EXCEL_WRITES_IT)
def test_files_as_excel_writes_them(clara, stored, content):
    assert confirm(clara, upload(clara, content)).status == 303
    assert stored() == STORED


# Each alone shows which encoding it is in.
WORDS = [
    "Bäckerei",
    "Groß",
    "Öl & Gas",
    "Überall",
    "ZAHNÄRZTE",
    "Café",
    "Fußpflege Weiß",
    "Böhm & Söhne KG",
    "Renée Dupré",
]
ENCODED = [(word, encoding) for word in WORDS for encoding in ("utf-8", "cp1252", "cp850", "mac_roman")]
# Bytes that are letters within words in MS-DOS and on a Mac.
ENCODED += [(word, "cp1252") for word in ("Ä GmbH", "Ü-Wagen", "Bar Ö", "Š. Žižek", "5 € Shop")]
# MS-DOS has no such quotation marks.
ENCODED += [(word, encoding) for word in ("„Adler“", "„die 2“ – neu") for encoding in ("utf-8", "cp1252", "mac_roman")]


@pytest.mark.parametrize(("word", "encoding"), ENCODED)
def test_one_word_is_enough_to_recognise_the_encoding(clara, word, encoding):
    page = upload(clara, f"Kundennummer;Name\r\nK2001;{word}\r\n".encode(encoding))
    assert chosen_encoding(page) == encoding
    assert f"K2001 {word.replace('&', '&amp;')}" in page.text
    assert "Zeichen falsch" not in page.text


@pytest.mark.parametrize(
    "name",
    [
        "Zimmerei Yılmaz",
        "Łukasz Żak",
        "Nguyễn & Çelik",
        "McDonald’s",
        "O’Neill",
        "STRAßENBAU",
        "Haus\u2011Technik",
        "Schmidt\u2010Öhl",
        "Müller—Meier",
    ],
)
def test_foreign_names_raise_no_doubt(clara, name):
    page = upload(clara, f"Kundennummer;Name\r\nK2001;{name}\r\n")
    assert chosen_encoding(page) == "utf-8"
    assert "Zeichen falsch" not in page.text


@pytest.mark.parametrize("damaged", ["BŠckerei", "MŸller", "BÃ¤ckerei", "B\ufffdckerei", "Gro§", "J„ger"])
def test_signs_that_are_probably_wrong_are_named(clara, damaged):
    page = upload(clara, f"Kundennummer;Name\r\nK2001;Gut\r\nK2002;Firma {damaged} KG\r\n")
    assert f"Hier sind wahrscheinlich Zeichen falsch: „{damaged}“ (Zeile 3)." in page.text
    assert confirm(clara, page).status == 303


def test_another_encoding_can_be_chosen(clara, stored):
    content = "Kundennummer;Name\r\nK2001;Bäckerei Müller\r\n".encode("mac_roman")
    page = upload(clara, content)
    wrong = confirm(clara, page, encoding="cp1252", again="ja")
    assert (wrong.status, chosen_encoding(wrong), stored()) == (200, "cp1252", [])
    assert "Zeichen falsch: „BŠckerei“ (Zeile 2), „MŸller“ (Zeile 2)." in wrong.text
    right = confirm(clara, wrong, encoding="mac_roman", again="ja")
    assert "Zeichen falsch" not in right.text
    assert confirm(clara, right).status == 303
    assert [name for _, name, *_ in stored()] == ["Bäckerei Müller"]


def test_utf_16_leaves_no_choice(clara):
    assert chosen_encoding(upload(clara, TEXT.encode("utf-16"))) is None


def test_an_encoding_that_is_not_offered_is_recognised(clara, stored):
    page = confirm(clara, upload(clara, TEXT.encode("cp850")), encoding="rot13", again="ja")
    assert chosen_encoding(page) == "cp850"
    assert confirm(clara, page, encoding="punycode").status == 303
    assert stored() == STORED


def test_our_own_export_comes_back_in(clara, stored):
    kept = [
        ("-1", "=1+1", "@home", "", "", True),
        ("00123", "Führende Null GmbH", "0211", "a@null.example", "null.example", False),
        ("12345678901234", "'s Lädchen", "+49 211", "", "", True),
        ("1E5", "'90er Bar", "", "", "xn--mller-kva.example", True),
    ]
    with database.connection_context():
        for number, name, contact_name, email, mail_domain, fully_managed in kept:
            values = {"number": number, "name": name, "mail_domain": mail_domain, "fully_managed": fully_managed}
            customer = Customer.create(**values, town="Köln", created_at=NOW)
            set_contact(customer, name=contact_name, email=email)
        set_contact(customer, is_approver=True, phone="0211 1")
        other = {"name": "Eva", "email": "eva@bar.example", "is_approver": True, "phone": "0172 55"}
        customers.add_contact(customer, other)
    export = clara.client.get("/verwaltung/kunden.csv").data
    with database.connection_context():
        Customer.delete().execute()
    page = upload(clara, export)
    assert "Diese Spalten werden nicht eingelesen: PIN ausgegeben, gesperrt seit, angelegt." in page.text
    assert list(faults(page)) == ["Zeile 2"]  # No customer number begins with a dash.
    assert confirm(clara, page, skip_faulty="y").status == 303
    assert stored() == kept[1:]
    with database.connection_context():
        assert {customer.town for customer in Customer.select()} == {"Köln"}
        *_, bar = Customer.by_number()
        people = [(one.name, one.email, one.phone, one.is_main, one.is_approver) for one in bar.contacts]
    assert people == [("", "", "0211 1", True, True), ("Eva", "eva@bar.example", "0172 55", False, True)]


NUMBERS = {
    "an apostrophe, as in our export": ("'02007", "02007"),
    "an apostrophe": ("'12345", "12345"),
    "a formula": ('="02005"', "02005"),
    "a formula in quotes": ('"=""02006"""', "02006"),
    "an invisible character": ("\u200e02008", "02008"),
}


@pytest.mark.parametrize(("cell", "number"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_that_excel_must_not_change(clara, stored, cell, number):
    page = upload(clara, f"\ufeffKundennummer;Name;Ansprechpartner\r\n{cell};Eins;\r\n")
    assert faults(page) == {}
    assert confirm(clara, page).status == 303
    assert [(number, name) for number, name, *_ in stored()] == [(number, "Eins")]


@pytest.mark.parametrize("domain", ["gmail.com", "GMX.de", "@web.de", "info@t-online.de"])
def test_a_mail_provider_costs_one_value(clara, stored, domain):
    page = upload(clara, f"Kundennummer;Name;Mail-Domain\r\nK2001;Müller;{domain}\r\nK2002;Söhne;soehne.example\r\n")
    assert faults(page) == {}
    assert notices(page) == {
        "Zeile 2": [
            f"Mail-Domain: „{domain}“ wird weggelassen, weil unter dieser Domain jeder eine E-Mail-Adresse haben kann."
        ]
    }
    assert confirm(clara, page).status == 303
    assert [(name, mail_domain) for _, name, _, _, mail_domain, _ in stored()] == [
        ("Müller", ""),
        ("Söhne", "soehne.example"),
    ]


@pytest.mark.parametrize(
    ("cell", "is_managed"), [("WAHR", True), ("TRUE", True), ("FALSCH", False), ("No", False), ("X", True)]
)
def test_yes_and_no_of_other_programs(clara, stored, cell, is_managed):
    confirm(clara, upload(clara, f"Kundennummer;Name;Voll betreut\r\nK2001;Müller;{cell}\r\n"))
    assert [fully_managed for *_, fully_managed in stored()] == [is_managed]


def test_cells_with_quotes_and_delimiters(clara, stored):
    text = 'Nummer;Name\r\n1;"Brandt; Partner ""Steuer"""\r\n2;=1+1\r\n3;@SUM(A1)\r\n4;-2\r\n'
    assert confirm(clara, upload(clara, text)).status == 303
    assert [name for _, name, *_ in stored()] == ['Brandt; Partner "Steuer"', "=1+1", "@SUM(A1)", "-2"]


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_the_delimiter_is_that_of_the_header(clara, stored, line_end):
    text = line_end.join(["Nummer;Name", "1;Ahorn, Birke, Buche & Co, KG", "2;Eiche, Esche, Erle"])
    assert confirm(clara, upload(clara, text)).status == 303
    assert [name for _, name, *_ in stored()] == ["Ahorn, Birke, Buche & Co, KG", "Eiche, Esche, Erle"]


def test_columns_that_are_not_read_are_named(clara):
    page = upload(clara, "Kundennummer;Land;Name;Fax;\r\nK2001;DE;Müller;0211 1;\r\n")
    assert "Diese Spalten werden nicht eingelesen: Land, Fax." in page.text
    assert faults(page) == {}


def test_faulty_lines_are_named(clara, anna, stored):
    before = stored()
    page = upload(
        clara,
        "Kundennummer;Name;E-Mail;Domain;Voll betreut\r\n"
        "K2001;Müller;;;\r\n"
        ";Ohne Nummer;;;\r\n"
        "K2003;;;;\r\n"
        "Köln;Umlaut;;;\r\n"
        f"K2005;{'x' * 101};;;\r\n"
        "K2006;Adresse;keine;www.mueller.example;vielleicht\r\n"
        "k1001;Schon da;;;\r\n"
        "k 2001;Zweimal;;;\r\n"
        "K2009;Zu lang;;;;noch etwas\r\n",
    )
    assert faults(page) == {
        "Zeile 3": ["Kundennummer: Die Angabe fehlt."],
        "Zeile 4": ["Name: Die Angabe fehlt."],
        "Zeile 5": [
            "Kundennummer: „Köln“ kann keine Kundennummer sein: höchstens 20 Zeichen, "
            "nur Buchstaben ohne Umlaute, Ziffern, Punkt, Schrägstrich und Bindestrich."
        ],
        "Zeile 6": ["Name: Bitte geben Sie einen Namen mit höchstens 100 Zeichen an."],
        "Zeile 7": [
            "E-Mail: „keine“ ist keine E-Mail-Adresse. Sie sieht so aus: name@firma.de",
            "Mail-Domain: „www.mueller.example“ ist die Adresse einer Webseite. Meinten Sie mueller.example?",
            "Voll betreut: Bitte schreiben Sie „ja“ oder „nein“.",
        ],
        "Zeile 8": ["Kundennummer: Die Kundennummer K1001 ist schon vergeben."],
        "Zeile 9": ["Kundennummer: K2001 steht schon in Zeile 2."],
        "Zeile 10": ["Die Zeile hat mehr Spalten als die Kopfzeile."],
    }
    again = confirm(clara, page)
    assert again.status == 422
    assert again.title.startswith("Fehler: ")
    assert "Es ist nichts eingelesen, denn manche Zeilen sind fehlerhaft." in again.text
    assert stored() == before
    assert confirm(clara, again, skip_faulty="y").status == 303
    assert [number for number, *_ in stored()] == ["K1001", "K2001"]


def test_confirming_twice_creates_nothing_twice(clara, stored):
    preview = upload(clara, TEXT)
    answers = [confirm(clara, preview, skip_faulty="y") for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 422]
    assert "Es ist nichts eingelesen, denn keine Zeile ist fehlerfrei." in answers[1].text
    assert stored() == STORED


def test_number_taken_since_the_preview(clara, stored):
    preview = upload(clara, TEXT)
    with database.connection_context():
        Customer.create(number="K2002", name="Schneller", created_at=NOW)
    page = confirm(clara, preview)
    assert faults(page) == {"Zeile 3": ["Kundennummer: Die Kundennummer K2002 ist schon vergeben."]}
    assert [name for _, name, *_ in stored()] == ["Schneller"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Die Datei ist leer."),
        (b"\r\n;;\r\n", "Die Datei ist leer."),
        ("Kundennummer;Name\r\n;\r\n", "Unter der Kopfzeile steht kein Kunde."),
        ("K2001;Müller\r\n", "In der ersten Zeile fehlt „Kundennummer“ und „Name“."),
        ("Name;Ort\r\nMüller;Köln\r\n", "In der ersten Zeile fehlt „Kundennummer“."),
        ("Nummer;Name;Firma\r\n1;2;3\r\n", "Die Spalten „Name“ und „Firma“ bedeuten beide „Name“."),
        ('Nummer;Name\r\n1;Müller\r\n2;"Söhne\r\n', "Ab Zeile 3 stimmen die Anführungszeichen nicht."),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00", "Das ist keine CSV-Datei."),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "In der ersten Zeile fehlt „Kundennummer“ und „Name“."),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "Das ist keine CSV-Datei."),
        (b"\x1b[31mNummer;Name\r\n1;x\r\n", "Das ist keine CSV-Datei."),
        ("Nummer;Name\r\n" + "1;x\r\n" * 501, "höchstens 500 auf einmal."),
        (b"x" * (300 * 1024 + 1), "höchstens 300 KB auf einmal."),
    ],
)
def test_file_that_is_not_a_table(clara, stored, content, sentence):
    page = upload(clara, content)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert sentence in page.errors()["file"]
    assert page.summary() == [("#file", page.errors()["file"])]
    assert stored() == []


def test_no_file(clara):
    page = clara.post(IMPORT, clara.get(IMPORT).fields())
    assert (page.status, page.errors()) == (422, {"file": "Bitte wählen Sie die CSV-Datei aus."})


@pytest.mark.parametrize("button", [{}, {"again": "ja"}])
@pytest.mark.parametrize("content", [None, "", "TnVtbWVyDQox", "TnV", "ä", "x" * 500_000])
def test_confirming_something_else(clara, stored, content, button):
    values = {"csrf_token": clara.get(IMPORT).fields()["csrf_token"]} | button
    page = clara.post(RUN_IMPORT, values | ({} if content is None else {"content": content}))
    assert (page.status, list(page.errors())) == (422, ["file"])
    assert stored() == []


def test_a_full_table_comes_through(clara, stored):
    """The largest accepted file also fits into the form of the preview."""
    rows = [f"K{number:04};Firma;{'ß' * 590}" for number in range(csv_import.MAX_LINES)]
    content = "\n".join(["Nummer;Name;Größe", *rows]).encode("cp1252")
    assert csv_import.MAX_BYTES * 0.98 < len(content) < csv_import.MAX_BYTES
    assert confirm(clara, upload(clara, content)).status == 303
    assert len(stored()) == csv_import.MAX_LINES


def test_texts_of_the_file_are_escaped(clara, stored):
    payload = '</textarea><script>alert("x")</script>'
    quoted = payload.replace('"', '""')
    preview = upload(clara, f'Nummer;Name;"{quoted}"\r\n1;"{quoted}";\r\n"{quoted}";x;\r\n')
    assert payload not in preview.text
    assert "&lt;script&gt;" in preview.text
    assert confirm(clara, preview, skip_faulty="y").status == 303
    assert [name for _, name, *_ in stored()] == [payload]


def test_the_sample_can_be_read(clara, stored):
    answer = clara.client.get(f"{IMPORT}/muster.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert confirm(clara, upload(clara, answer.data)).status == 303
    assert stored()[0] == ("K1001", "Bäckerei Sommer", "Anna Sommer", "post@sommer.example", "sommer.example", True)
