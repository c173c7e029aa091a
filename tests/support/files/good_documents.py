"""Good PDF documents of the corpus, and what the office is told of their active content."""

from tests.support.files.samples import (
    JPEG,
    PDF,
    overlapping_streams,
    packed_objects,
    packed_stream,
    pdf,
    silent_streams,
)

JAVASCRIPT = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"

DOCUMENTS = {
    "pdf": ("Rechnung.pdf", PDF),
    "pdf-no-line-end": ("Rechnung.PDF", pdf(after=b"")),
    "pdf-old-line-ends": ("Rechnung.pdf", PDF.replace(b"\n", b"\r")),
    "pdf-xref-stream": ("Rechnung.pdf", pdf("1.5", xref_stream=True)),
    "pdf-newest": ("Rechnung.pdf", pdf("2.0", xref_stream=True)),
    "pdf-padded": ("Rechnung.pdf", pdf(after=b"\r\n" + bytes(600))),
    "pdf-updated": ("Rechnung.pdf", PDF + b"xref\n0 0\ntrailer\n<<>>\nstartxref\n%d\n%%%%EOF\n" % len(PDF)),
    "pdf-packed-objects": ("Rechnung.pdf", pdf("1.5", objects=[packed_objects(b"<</Type/Font>>", b"[1 2]")])),
    "pdf-picture": ("Scan.pdf", pdf(objects=[b"<</Filter/DCTDecode>>\nstream\n" + JPEG + b"\nendstream"])),
    "pdf-outline": (
        "Handbuch.pdf",
        pdf("1.5", objects=[b"<</First 5 0 R/Last 6 0 R>>", b"<</N 3>>\nstream\n\xff\xd8\nendstream"]),
    ),
    "pdf-opens-at-a-page": ("Angebot.pdf", pdf(root=b"/OpenAction [3 0 R /Fit]")),
    "pdf-link": ("Angebot.pdf", pdf(objects=[b"<</S/URI/URI(https://example.org)>>"])),
}

# Files with active content are accepted, and the office is told.
ACTIVE = {
    "pdf-javascript": ("Formular.pdf", pdf(objects=[JAVASCRIPT]), "JavaScript"),
    "pdf-javascript-escaped": ("Formular.pdf", pdf(objects=[b"<</S/J#61va#53cript/JS(x)>>"]), "JavaScript"),
    "pdf-javascript-packed": ("Formular.pdf", pdf("1.5", objects=[packed_objects(JAVASCRIPT)]), "JavaScript"),
    "pdf-javascript-packed-unnamed": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_objects(JAVASCRIPT, head=b"/X(1 0 obj)")]),
        "JavaScript",
    ),
    "pdf-javascript-packed-and-escaped": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_objects(JAVASCRIPT.replace(b"/JavaScript", b"/#4aavaScript"))]),
        "JavaScript",
    ),
    "pdf-javascript-packed-behind-blanks": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_stream(b"/N 1/First 999", b" " * 900 + b"5 0 " + JAVASCRIPT)]),
        "JavaScript",
    ),
    "pdf-javascript-packed-behind-a-remark": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_stream(b"/N 1/First 9", b"%x\n5 %x\n0 " + JAVASCRIPT)]),
        "JavaScript",
    ),
    "pdf-javascript-packed-at-the-very-end": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_objects(b"<</S 11 0 R/JS(x)>>", b"/JavaScript")]),
        "JavaScript",
    ),
    "pdf-packed-otherwise-behind-a-false-end": (
        "Formular.pdf",
        pdf("1.5", objects=[b"<</Type/ObjStm/Filter/AHx/X(endobj)>>\nstream\n31>\nendstream"]),
        "nicht Prüfbares",
    ),
    "pdf-packed-otherwise-behind-a-false-stream": (
        "Formular.pdf",
        pdf("1.5", objects=[b"<</First 9/Filter/AHx/X(" + packed_objects(b"[]") + b")>>\nstream\n31>\nendstream"]),
        "nicht Prüfbares",
    ),
    "pdf-javascript-behind-blanks": ("Formular.pdf", pdf(root=b"/XFA" + b" " * 900 + b"[4 0 R]"), "JavaScript"),
    "pdf-dynamic-form": ("Antrag.pdf", pdf(root=b"/AcroForm<</XFA[(a)4 0 R]>>"), "JavaScript"),
    "pdf-launch": ("Brief.pdf", pdf(objects=[b"<</S/Launch/F(cmd.exe)>>"]), "Programmstart"),
    "pdf-open-action": ("Brief.pdf", pdf(root=b"/OpenAction 4 0 R"), "Aktion beim Öffnen"),
    "pdf-e-invoice": (
        "Rechnung.pdf",
        pdf("1.7", root=b"/Names<</EmbeddedFiles 4 0 R>>", objects=[packed_stream(b"/Type/EmbeddedFile", b"<xml/>")]),
        "eingebettete Dateien",
    ),
    "pdf-file-at-a-note": ("Plan.pdf", pdf(objects=[b"<</Type/Filespec/EF <</F 5 0 R>>>>"]), "eingebettete Dateien"),
    "pdf-sends-data": ("Formular.pdf", pdf(objects=[b"<</S/SubmitForm/F(https://x.example)>>"]), "Datenversand"),
    "pdf-encrypted": ("Vertrag.pdf", pdf(trailer=b"/Encrypt 5 0 R"), "Kennwortschutz"),
    "pdf-encrypted-objects": (
        "Vertrag.pdf",
        pdf(
            "1.5",
            objects=[b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode>>\nstream\n\x01\x02\nendstream"],
            xref_stream=True,
            trailer=b"/Encrypt<</Filter/Standard>>",
        ),
        "Kennwortschutz",
    ),
    "pdf-invoice-with-password": (
        "Rechnung.pdf",
        pdf("1.7", root=b"/Names<</EmbeddedFiles 4 0 R>>", trailer=b"/#45ncrypt 5 0 R"),
        "eingebettete Dateien, Kennwortschutz",
    ),
    "pdf-many-names": ("Scan.pdf", pdf(objects=[b"/J" * 1_000_001]), "nicht Prüfbares"),
    "pdf-many-marks": ("Scan.pdf", pdf(objects=[b"/EF<<" * 50_001]), "eingebettete Dateien, nicht Prüfbares"),
    "pdf-many-streams": ("Scan.pdf", pdf(objects=[b"stream\n" * 10_001]), "nicht Prüfbares"),
    "pdf-overlapping-streams": ("Scan.pdf", overlapping_streams(), "nicht Prüfbares"),
    "pdf-silent-streams": ("Scan.pdf", silent_streams(), "nicht Prüfbares"),
    "pdf-all-at-once": (
        "Alles.pdf",
        pdf(
            root=b"/OpenAction<</S/Launch>>/Names<</EmbeddedFiles 4 0 R>>",
            objects=[
                packed_objects(JAVASCRIPT, b"<</S/SubmitForm>>"),
                b"<</Type/ObjStm/Filter/ASCIIHexDecode>>\nstream\n31>\nendstream",
            ],
        ),
        "JavaScript, Programmstart, Aktion beim Öffnen, eingebettete Dateien, Datenversand, nicht Prüfbares",
    ),
}
