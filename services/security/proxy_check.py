"""What the portal sees of the web server in front of it, told to *Heute* and, if its own key asks, to `pruefen`."""

import hmac
from datetime import datetime, timedelta
from typing import NamedTuple

from services.security import keys

# The header by which `pruefen` asks /healthz, and how long one is answered.
PROBE_HEADER = "Portal-Probe"
PROBE_LIFETIME = timedelta(minutes=1)

# The name of a Connection in a WSGI environment.
CONNECTION = "portal.connection"


class Connection(NamedTuple):
    """Who opened the connection, whether `trusted_proxy` names it, and its X-Forwarded-For."""

    peer: str
    is_trusted: bool
    forwarded_for: str


# The last machine nearby that passed visitors on, although `trusted_proxy` does not name it.
unknown_proxy = ""


def make_probe(now: datetime) -> str:
    """Return a probe that this portal answers for a minute."""
    return _signed(str(int(now.timestamp())))


def is_own_probe(probe: str, now: datetime) -> bool:
    """Return whether a text is a probe of this portal that is still answered."""
    made_at = probe.partition(".")[0]
    # In ASCII, because compare_digest takes no other texts.
    is_signed = probe.isascii() and hmac.compare_digest(_signed(made_at), probe)
    return is_signed and abs(now.timestamp() - int(made_at)) <= PROBE_LIFETIME.total_seconds()


def _signed(made_at: str) -> str:
    return f"{made_at}.{keys.keyed_digest(b'proxy probe', made_at)}"
