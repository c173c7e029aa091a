"""Addresses only: what a sender can hardly leave."""

from ipaddress import IPv6Address, ip_address, ip_network

# Who has one IPv6 address usually has as many as this network holds.
IPV6_NETWORK_BITS = 64


def network_of(address):
    """Return an address as text, in place of one of IPv6 the network from which it was picked.

    What is no address comes back as it is: it is whatever a proxy calls its visitors.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip_network((int(ip), IPV6_NETWORK_BITS), strict=False)
    return str(ip)
