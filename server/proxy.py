"""In front of the app: from the configured proxy, and from nobody else, it is believed whence a request comes.

Of what the proxy says only what it added itself counts. Waitress could do this, but takes an address of IPv6 with one
of IPv4 at its end for an address and a port.
"""

from services.security.ip_networks import parse_ip

# What proxies say; nothing of it reaches the app.
FORWARDED_HEADERS = tuple(
    f"HTTP_{name}"
    for name in (
        "X_FORWARDED_FOR",
        "X_FORWARDED_PROTO",
        "X_FORWARDED_HOST",
        "X_FORWARDED_PORT",
        "X_FORWARDED_BY",
        "FORWARDED",
    )
)


class ProxyHeadersMiddleware:
    """Gives an app the address and the scheme that its proxy saw."""

    def __init__(self, app, proxy):
        self._app, self._proxy = app, parse_ip(proxy)

    def __call__(self, environ, start_response):
        forwarded_for, scheme, *_ = [environ.pop(name, "") for name in FORWARDED_HEADERS]
        if self._proxy and parse_ip(environ["REMOTE_ADDR"]) == self._proxy:
            if client_ip := parse_ip(forwarded_for.rpartition(",")[2]):
                environ["REMOTE_ADDR"] = environ["REMOTE_HOST"] = client_ip
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return self._app(environ, start_response)
