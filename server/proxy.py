"""The client's address and scheme, from the X-Forwarded-* headers of the configured web servers only.

Waitress has this feature too, but for one address, and it misreads IPv4-mapped IPv6 addresses (`::ffff:1.2.3.4`) as
address and port.
"""

from ipaddress import ip_address

from services.security import proxy_check
from services.security.ip_networks import parse_ip, parse_networks

# Removed from every request, so that the app sees none of them.
FORWARDED_HEADERS = (*(f"HTTP_X_FORWARDED_{name}" for name in ("FOR", "PROTO", "HOST", "PORT", "BY")), "HTTP_FORWARDED")

# More web servers one behind the other are not believed.
MAX_HOPS = 8


class ProxyHeadersMiddleware:
    """WSGI middleware that sets the client's address and scheme; other clients' headers are ignored."""

    def __init__(self, app, trusted):
        self._app, self._trusted = app, parse_networks(trusted)

    def __call__(self, environ, start_response):
        forwarded_for, scheme, *_ = [environ.pop(name, "") for name in FORWARDED_HEADERS]
        peer = parse_ip(environ["REMOTE_ADDR"])
        is_trusted = self._is_trusted(peer)
        environ[proxy_check.CONNECTION] = proxy_check.Connection(peer, is_trusted, forwarded_for)
        if is_trusted:
            environ["REMOTE_ADDR"] = environ["REMOTE_HOST"] = self._visitor(peer, forwarded_for)
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        elif forwarded_for and peer and ip_address(peer).is_private:
            proxy_check.unknown_proxy = peer
        return self._app(environ, start_response)

    def _visitor(self, peer, forwarded_for):
        """Return the last address that is not one of the web servers; each of them adds whom it serves at the end."""
        visitor = peer
        for hop in reversed(forwarded_for.rsplit(",", MAX_HOPS)):
            ip = parse_ip(hop)
            if not ip:
                break
            visitor = ip
            if not self._is_trusted(ip):
                break
        return visitor

    def _is_trusted(self, ip):
        return bool(ip) and any(ip_address(ip) in network for network in self._trusted)
