"""Addresses only: what a sender can hardly leave."""

from ipaddress import IPv6Address, ip_address, ip_network

# Who has one IPv6 address usually has as many as the one holds; a company has as many such networks as the other.
IPV6_NETWORK_BITS = 64
IPV6_SITE_BITS = 48


def network_of(address):
    """Return an address as text, in place of one of IPv6 the network from which it was picked.

    What is no address comes back as it is: it is whatever a proxy calls its visitors.
    """
    return _within(address, IPV6_NETWORK_BITS)


def site_of(address):
    """Return an address as text, in place of one of IPv6 all that one connection may have been given."""
    return _within(address, IPV6_SITE_BITS)


def _within(address, bits):
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip_network((int(ip), bits), strict=False)
    return str(ip)
