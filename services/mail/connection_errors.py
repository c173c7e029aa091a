"""German sentences for connections to another machine that fail."""

import errno
import socket
import ssl

# OpenSSL's numbers for what is wrong with a certificate, that an administrator can fix.
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


# How the sentences about other errors end; a subclass comes before its base class.
_PROBLEMS = {
    ssl.SSLError: "verschlüsselt nicht so, wie es eingestellt ist. Passt der Anfang der Adresse zum Port?",
    socket.gaierror: "ist nicht zu finden: Das Netz kennt den Namen nicht, oder das Netz ist gestört.",
    ProtocolError: "antwortet unverständlich. Stimmt der Port?",
    TimeoutError: "antwortet nicht.",
    ConnectionRefusedError: "nimmt an diesem Port keine Verbindung an.",
    ConnectionError: "hat die Verbindung abgebrochen.",
}


def error_sentence(error: OSError, peer: str) -> str:
    """Return a sentence about a connection that failed; it begins with the peer, as in "Der Mailserver"."""
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = _CERTIFICATES.get(error.verify_code, "das sich nicht prüfen lässt")
        return f"{peer} zeigt ein Zertifikat, {problem}."
    name = errno.errorcode.get(error.errno or 0, "ohne nähere Angabe")
    problems = (problem for kind, problem in _PROBLEMS.items() if isinstance(error, kind))
    return f"{peer} {next(problems, f'ist nicht zu erreichen ({name}).')}"
