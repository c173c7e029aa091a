"""What the made-up reports of the demo are put together from."""

TRADES = [
    "Malerbetrieb",
    "Tischlerei",
    "Apotheke",
    "Kanzlei",
    "Hausverwaltung",
    "Spedition",
    "Gärtnerei",
    "Physiotherapie",
    "Druckerei",
    "Elektro",
    "Architekturbüro",
    "Buchhandlung",
    "Metallbau",
    "Pflegedienst",
    "Fahrschule",
    "Weinhandel",
    "Optik",
    "Dachdeckerei",
]
TOWNS = ["", " Neuss", " Ratingen", " am Rhein", " & Söhne", " & Partner", " GmbH", " KG"]

FIRST_NAMES = [
    "Birgit",
    "Emre",
    "Franziska",
    "Georg",
    "Hülya",
    "Ivana",
    "Jörg",
    "Katrin",
    "Lukas",
    "Małgorzata",
    "Nils",
    "Olga",
    "Paul",
    "Renate",
    "Sven",
    "Thủy",
    "Ute",
    "Volker",
    "Yusuf",
    "Zoë",
]
LAST_NAMES = [
    "Arndt",
    "Becker",
    "Çelik",
    "Dietrich",
    "Engels",
    "Fuchs",
    "Groß",
    "Hartmann",
    "Ivanović",
    "Jansen",
    "Köhler",
    "Lehmann",
    "Müller",
    "Nowak",
    "Özdemir",
    "Pfeiffer",
    "Roth",
    "Schäfer",
    "Thiele",
    "Ullrich",
    "Voß",
    "Weiß",
]
STAFF = ["Miriam Vogt", "Tobias Kern", "Selma Aydın"]

THINGS = [
    "Der Drucker",
    "Der Etikettendrucker",
    "Der Bildschirm",
    "Das Notebook",
    "Der Arbeitsplatzrechner",
    "Das Telefon",
    "Der Scanner",
    "Das Lesegerät für die Karten",
    "Die Kasse",
    "Der Server",
    "Das WLAN",
    "Das Postfach",
    "Die Warenwirtschaft",
    "Der Zugang von zu Hause",
    "Die Zeiterfassung",
]
PLACES = [
    "am Empfang",
    "in der Buchhaltung",
    "im Lager",
    "in der Werkstatt",
    "im Besprechungsraum",
    "im ersten Stock",
    "im Außendienst",
    "bei der Geschäftsleitung",
    "in Büro {number}",
    "an Platz {number}",
]
SYMPTOMS = [
    "reagiert seit heute früh nicht mehr.",
    "zeigt die Meldung „Fehler {number}“.",
    "ist sehr langsam, vor allem gegen Mittag.",
    "fällt alle paar Minuten aus.",
    "fragt immer wieder nach dem Kennwort.",
    "startet seit dem Update nicht mehr.",
    "macht ein lautes Geräusch und riecht warm.",
    "bricht mitten in der Arbeit ab.",
    "verliert ständig die Verbindung.",
    "nimmt keine neuen Aufträge an.",
]
TRIED = [
    "",
    "Aus- und Einschalten hat nicht geholfen.",
    "Gestern ging es noch.",
    "Es betrifft nur diesen einen Arbeitsplatz.",
    "Bei den Kollegen ist es genauso.",
    "Wir können solange nicht arbeiten.",
    "Es eilt nicht, stört aber sehr.",
]
DEVICES = [
    "Notebook ThinkPad E16",
    "Notebook Latitude 5540",
    "Drucker Brother HL-L5210DN",
    "Drucker Kyocera ECOSYS P3145",
    "Monitor Dell P2725H",
    "Monitor Eizo EV2480",
    "USV Eaton 5P 1150i",
    "Dockingstation WD19S",
    "Switch Aruba 1930",
    "NAS Synology DS923+",
]
DEFECTS = [
    "Geht nach einer Stunde von selbst aus.",
    "Der Akku lädt nicht mehr über {number} Prozent.",
    "Ein senkrechter Streifen im Bild.",
    "Der Lüfter läuft ununterbrochen.",
    "Nach dem Einschalten nur ein Dauerton.",
    "Anschluss {number} ist ohne Funktion.",
]
POSITIONS = [
    "Buchhaltung",
    "Auszubildende Person im Büro",
    "Vertrieb Innendienst",
    "Werkstattleitung",
    "Lager",
    "Empfang",
    "Projektleitung",
]
CALLBACKS = [
    "Bitte Termin für den Umzug von Platz {number} abstimmen.",
    "Frage zur letzten Rechnung, Position {number}.",
    "Wir überlegen, {number} Rechner zu ersetzen, und hätten gern ein Angebot.",
    "Bitte um Rückruf wegen der Datensicherung.",
]
OTHERS = [
    "Bitte {number} weitere Lizenzen für das Büropaket bestellen.",
    "Bitte das Postfach einer ausgeschiedenen Person schließen.",
    "Bitte Zugriff auf Laufwerk S: für {number} Personen einrichten.",
    "Alte Geräte stehen zur Abholung bereit, {number} Stück.",
]

DONE = [
    "Treiber erneuert, Probedruck in Ordnung.",
    "Aus der Ferne behoben.",
    "Vor Ort getauscht.",
    "Kennwort neu gesetzt.",
    "Telefonisch geklärt.",
    "Bestellt, geliefert und eingerichtet.",
]
WAITING = ["Rückmeldung zum Termin steht aus.", "Wir brauchen das Gerät hier.", "Kunde prüft das Angebot."]
NOTES = [
    "Gerät ist sechs Jahre alt, Austausch vorschlagen.",
    "Nur vormittags erreichbar.",
    "Schon im Mai gehabt.",
]
CANCELLED = ["Hat sich erledigt.", "Doppelt gemeldet.", "Auf Wunsch des Kunden."]
DECLINED = ["Zu teuer.", "Wird mit der nächsten Bestellung erledigt."]

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
