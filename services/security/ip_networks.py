"""Addresses only: what a sender can hardly leave."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Who has one IPv6 address usually has as many as the one holds; a company has as many such networks as the other.
IPV6_NETWORK_BITS = 64
IPV6_SITE_BITS = 48

# A whole site may do as often what one network may.
SITE_FACTOR = 8

# Where an address of IPv4 stands that a network of IPv6 translates (RFC 6052).
_TRANSLATED = ip_network("64:ff9b::/96")

# Some proxies add the port, and that is another one for each connection.
_WITH_PORT = re.compile(r"\[(?P<v6>[^]]*)\](:\d+)?|(?P<v4>[\d.]+):\d+")


def parse_ip(text):
    """Return the address that a proxy names, in its one short spelling, or "" for what is none."""
    text = text.strip().strip('"')
    if found := _WITH_PORT.fullmatch(text):
        text = found["v6"] or found["v4"] or ""
    try:
        # Of what follows the "%" only the sender's own machine knows what it means.
        return str(_plain(ip_address(text.partition("%")[0])))
    except ValueError:
        return ""


def network_of(ip):
    """Return an address as text, in place of one of IPv6 the network from which it was picked.

    What is no address comes back as it is.
    """
    return _within(ip, IPV6_NETWORK_BITS)


def site_of(ip):
    """Return an address as text, in place of one of IPv6, or of its network, all that a connection may be given."""
    return _within(ip, IPV6_SITE_BITS)


def _within(ip, bits):
    try:
        parsed = _plain(ip_address(ip.partition("/")[0]))
    except ValueError:
        return ip
    return str(ip_network((int(parsed), bits), strict=False) if isinstance(parsed, IPv6Address) else parsed)


def _plain(ip):
    """Return an address of IPv4 that is spelled as one of IPv6 as what it is."""
    if isinstance(ip, IPv6Address):
        if ip in _TRANSLATED:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip
    return ip
