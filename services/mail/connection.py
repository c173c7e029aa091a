"""What the lines to other machines have in common: bounded patience, and a German sentence for what goes wrong."""

import errno
import io
import socket
import ssl
import time

# What is wrong with a certificate, by OpenSSL's numbers, as far as somebody can do something about it.
_CERTIFICATES = {
    10: "das abgelaufen ist",
    18: "das niemand beglaubigt, dem dieser Rechner vertraut",
    19: "das niemand beglaubigt, dem dieser Rechner vertraut",
    20: "das niemand beglaubigt, dem dieser Rechner vertraut",
    62: "das für einen anderen Namen gilt",
    64: "das für eine andere Adresse gilt",
}


# More than anybody has to say in one part of a conversation.
MOST_BYTES = 64 * 1024


class ProtocolError(OSError):
    """The other side speaks another language, or never comes to an end."""


class Deadline:
    """So much time in all, and so much for each step: whoever says little at a time gets no more for it."""

    def __init__(self, seconds, step_seconds):
        self._until = time.monotonic() + seconds
        self.step_seconds = step_seconds

    def for_one_step(self):
        """Return how many seconds the next step may take; raises TimeoutError if none are left."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, self.step_seconds)


class BoundedReader(io.RawIOBase):
    """What comes in over a socket, bit by bit, while the patience lasts, and up to a size."""

    def __init__(self, sock, patience):
        self._sock, self._patience, self._left = sock, patience, MOST_BYTES

    def readable(self):
        return True

    def readinto(self, buffer):
        if self._left <= 0:
            raise ProtocolError
        self._sock.settimeout(self._patience.for_one_step())
        size = self._sock.recv_into(buffer)
        self._left -= size
        return size

    def makefile(self, mode):
        """Return it as a file, as http.client asks a socket for one."""
        return io.BufferedReader(self)


def error_sentence(error, whom):
    """Return a sentence about a line to somebody that did not come about or broke."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"{whom} zeigt ein Zertifikat, {_CERTIFICATES.get(error.verify_code, 'das sich nicht prüfen lässt')}."
            )
        case ssl.SSLError():
            return f"{whom} verschlüsselt nicht so, wie es eingestellt ist. Passt der Anfang der Adresse zum Port?"
        case socket.gaierror():
            return f"{whom} ist nicht zu finden: Das Netz kennt den Namen nicht, oder das Netz ist gestört."
        case ProtocolError():
            return f"{whom} antwortet unverständlich. Stimmt der Port?"
        case TimeoutError():
            return f"{whom} antwortet nicht."
        case ConnectionRefusedError():
            return f"{whom} nimmt an diesem Port keine Verbindung an."
        case ConnectionError():
            return f"{whom} hat die Verbindung abgebrochen."
        case _:
            return f"{whom} ist nicht zu erreichen ({errno.errorcode.get(error.errno, 'ohne nähere Angabe')})."
