"""Names of IP protocols as Neutron's security groups have them, and what of a rule goes with which."""

from typing import Final

NUMBERS: Final = {
    "ah": 51,
    "dccp": 33,
    "egp": 8,
    "esp": 50,
    "gre": 47,
    "hopopt": 0,
    "icmp": 1,
    "igmp": 2,
    "ip": 0,
    "ipip": 4,
    "ipv6-encap": 41,
    "ipv6-frag": 44,
    "ipv6-icmp": 58,
    "icmpv6": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ipv6-route": 43,
    "ospf": 89,
    "pgm": 113,
    "rsvp": 46,
    "sctp": 132,
    "tcp": 6,
    "udp": 17,
    "udplite": 136,
    "vrrp": 112,
}
ICMP: Final = 1
ICMP6: Final = 58
WITH_PORTS: Final = ("dccp", "sctp", "tcp", "udp", "udplite")
OF_IPV6_ALONE: Final = ("ipv6-encap", "ipv6-frag", "ipv6-icmp", "icmpv6", "ipv6-nonxt", "ipv6-opts", "ipv6-route")


def number_of(protocol: str) -> int:
    """The number of a protocol that is given by name or by number. Raises ValueError for an unknown one."""
    if protocol in NUMBERS:
        return NUMBERS[protocol]
    if protocol.isascii() and protocol.isdigit() and int(protocol) <= 255:
        return int(protocol)
    raise ValueError(f"{protocol!r} is no IP protocol: names are {', '.join(sorted(NUMBERS))}, numbers 0 to 255")


def has_ports(protocol: int) -> bool:
    return protocol in {NUMBERS[name] for name in WITH_PORTS}


def is_of_ipv6_alone(protocol: int) -> bool:
    return protocol in {NUMBERS[name] for name in OF_IPV6_ALONE}
