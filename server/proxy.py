"""The client's address and scheme, from the X-Forwarded-* headers of the configured proxy only.

Waitress has this feature too, but it misreads IPv4-mapped IPv6 addresses (`::ffff:1.2.3.4`) as address and port.
"""

from services.security.ip_networks import parse_ip

# Removed from every request, so that the app sees none of them.
FORWARDED_HEADERS = (*(f"HTTP_X_FORWARDED_{name}" for name in ("FOR", "PROTO", "HOST", "PORT", "BY")), "HTTP_FORWARDED")


class ProxyHeadersMiddleware:
    """WSGI middleware that sets the client's address and scheme; other clients' headers are ignored."""

    def __init__(self, app, proxy):
        self._app, self._proxy = app, parse_ip(proxy)

    def __call__(self, environ, start_response):
        forwarded_for, scheme, *_ = [environ.pop(name, "") for name in FORWARDED_HEADERS]
        if self._proxy and parse_ip(environ["REMOTE_ADDR"]) == self._proxy:
            # Only the last hop counts, because the proxy itself added it.
            if client_ip := parse_ip(forwarded_for.rpartition(",")[2]):
                environ["REMOTE_ADDR"] = environ["REMOTE_HOST"] = client_ip
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return self._app(environ, start_response)
