"""The networks of IP addresses: what one sender can hardly change.

IPv4: the address itself. IPv6: the network (/64, what one device usually has) and the site (/48, what a connection is
usually given).
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPV6_NETWORK_BITS = 64
IPV6_SITE_BITS = 48

# A whole site may do this many times what one network may.
SITE_FACTOR = 8

# IPv4 addresses translated to IPv6 (NAT64, RFC 6052).
_TRANSLATED = ip_network("64:ff9b::/96")

# Some proxies add the port, which differs for each connection.
_WITH_PORT = re.compile(r"\[(?P<v6>[^]]*)\](:\d+)?|(?P<v4>[\d.]+):\d+")


def parse_ip(text: str) -> str:
    """Return the address that a proxy names, in its shortest form, or "" if it is not an address."""
    text = text.strip().strip('"')
    if found := _WITH_PORT.fullmatch(text):
        text = found["v6"] or found["v4"] or ""
    try:
        # The zone behind "%" has a meaning on the sender's own machine only.
        return str(_unmapped(ip_address(text.partition("%")[0])))
    except ValueError:
        return ""


def parse_networks(text: str) -> list[IPv4Network | IPv6Network]:
    """Return the addresses and networks of a list with commas; raises ValueError."""
    return [ip_network(parse_ip(part) or part.strip()) for part in text.split(",") if part.strip()]


def network_of(ip: str) -> str:
    """Return the network of an address: IPv4 /32, IPv6 /64. A text that is not an address comes back unchanged."""
    return _network(ip, IPV6_NETWORK_BITS)


def site_of(ip: str) -> str:
    """Return the site of an address or of a network: IPv4 /32, IPv6 /48. Other texts come back unchanged."""
    return _network(ip, IPV6_SITE_BITS)


@lru_cache(maxsize=1000)
def _network(ip: str, bits: int) -> str:
    try:
        parsed = _unmapped(ip_address(ip.partition("/")[0]))
    except ValueError:
        return ip
    return str(ip_network((int(parsed), bits), strict=False) if isinstance(parsed, IPv6Address) else parsed)


def _unmapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that is written as IPv6; other addresses come back unchanged."""
    if isinstance(ip, IPv6Address):
        if ip in _TRANSLATED:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip
    return ip
