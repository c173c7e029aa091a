"""The words of the demo: names, the parts of made-up requests, and what staff write."""

from enums import Category, EventKind

TRADES = ["Malerbetrieb", "Tischlerei", "Apotheke", "Hausverwaltung", "Spedition", "Druckerei", "Metallbau", "Kanzlei"]
TOWNS = ["", " Neuss", " Ratingen", " am Rhein", " & Söhne", " & Partner", " GmbH", " KG"]
FIRST_NAMES = ["Birgit", "Emre", "Georg", "Hülya", "Ivana", "Jörg", "Małgorzata", "Nils", "Olga", "Thủy", "Zoë"]
LAST_NAMES = ["Becker", "Çelik", "Engels", "Groß", "Ivanović", "Köhler", "Müller", "Nowak", "Özdemir", "Voß", "Weiß"]
STAFF = ["Miriam Vogt", "Tobias Kern", "Selma Aydın"]
POSITIONS = ["Buchhaltung", "Auszubildende Person im Büro", "Vertrieb Innendienst", "Werkstattleitung", "Lager"]
DEVICES = ["Notebook ThinkPad E16", "Drucker Kyocera ECOSYS P3145", "Monitor Eizo EV2480", "USV Eaton 5P 1150i"]

# A description has one phrase of each list.
DESCRIPTIONS = {
    Category.INCIDENT: (
        ["Der Drucker", "Der Bildschirm", "Das Notebook", "Das Telefon", "Die Kasse", "Der Scanner", "Das WLAN"],
        ["am Empfang", "in der Buchhaltung", "im Lager", "im ersten Stock", "in Büro {number}", "an Platz {number}"],
        ["reagiert nicht mehr.", "zeigt „Fehler {number}“.", "ist sehr langsam.", "fällt alle paar Minuten aus."],
        ["Ein Neustart hat nicht geholfen.", "Gestern ging es noch.", "Bei den Kollegen ist es genauso."],
    ),
    Category.WARRANTY: (
        ["Geht nach einer Stunde aus.", "Der Akku lädt nur bis {number} Prozent.", "Der Lüfter läuft ununterbrochen."],
    ),
    Category.CALLBACK: (
        ["Bitte den Umzug von Platz {number} abstimmen.", "Frage zur letzten Rechnung, Position {number}."],
    ),
    Category.OTHER: (
        ["Bitte {number} Lizenzen für das Büropaket bestellen.", "Bitte Laufwerk S: für Platz {number} einrichten."],
    ),
}

EVENT_TEXTS = {
    EventKind.WAITING: ["Rückmeldung zum Termin steht aus.", "Wir brauchen das Gerät hier."],
    EventKind.DONE: ["Aus der Ferne behoben.", "Vor Ort erledigt.", "Telefonisch geklärt."],
    EventKind.CANCELLED: ["Hat sich erledigt.", "Doppelt gemeldet.", "Auf Wunsch des Kunden."],
    EventKind.DECLINED: ["Zu teuer.", "Wird mit der nächsten Bestellung erledigt."],
}

TEXT_BLOCKS = {
    "Rückruf angekündigt": (
        "Guten Tag {Name},\n\nwir rufen Sie zu Ihrer Anfrage {Vorgangsnummer} heute noch zurück.\n\n"
        "Viele Grüße\n{Bearbeiter}"
    ),
    "Bitte um ein Bildschirmfoto": (
        "Guten Tag {Name},\n\nzu „{Kurztext}“ brauchen wir noch ein Bild: Bitte fotografieren Sie die Meldung und "
        "laden Sie das Foto auf der Seite Ihres Vorgangs hoch.\n\nViele Grüße\n{Bearbeiter}"
    ),
    "Ersatzteil bestellt": (
        "Guten Tag {Name},\n\ndas Ersatzteil ist bestellt. Sobald es da ist, stimmen wir den Termin mit Ihnen ab.\n\n"
        "Viele Grüße\n{Bearbeiter}"
    ),
}
