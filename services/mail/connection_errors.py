"""German sentences for connections to another machine that fail."""

import errno
import socket
import ssl

# OpenSSL's numbers for what is wrong with a certificate, as far as somebody can mend it.
_CERTIFICATES = {
    10: "das abgelaufen ist",
    18: "das niemand beglaubigt, dem dieser Rechner vertraut",
    19: "das niemand beglaubigt, dem dieser Rechner vertraut",
    20: "das niemand beglaubigt, dem dieser Rechner vertraut",
    62: "das für einen anderen Namen gilt",
    64: "das für eine andere Adresse gilt",
}


class ProtocolError(OSError):
    """The answer does not follow the protocol."""


def error_sentence(error: OSError, peer: str) -> str:
    """Return a sentence about a connection that failed; it begins with the peer, as in "Der Mailserver"."""
    match error:
        case ssl.SSLCertVerificationError():
            problem = _CERTIFICATES.get(error.verify_code, "das sich nicht prüfen lässt")
            return f"{peer} zeigt ein Zertifikat, {problem}."
        case ssl.SSLError():
            return f"{peer} verschlüsselt nicht so, wie es eingestellt ist. Passt der Anfang der Adresse zum Port?"
        case socket.gaierror():
            return f"{peer} ist nicht zu finden: Das Netz kennt den Namen nicht, oder das Netz ist gestört."
        case ProtocolError():
            return f"{peer} antwortet unverständlich. Stimmt der Port?"
        case TimeoutError():
            return f"{peer} antwortet nicht."
        case ConnectionRefusedError():
            return f"{peer} nimmt an diesem Port keine Verbindung an."
        case ConnectionError():
            return f"{peer} hat die Verbindung abgebrochen."
        case _:
            name = errno.errorcode.get(error.errno or 0, "ohne nähere Angabe")
            return f"{peer} ist nicht zu erreichen ({name})."
