"""Router discovery on the wire: its numbers (RFC 4861 sections 4, 6.2.1 and 10; IANA icmpv6-parameters), and which
solicitations are to be heard (section 6.1.1)."""

ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 133, 134
HOP_LIMIT = 255  # what has passed a router has less, and is not heard (section 6.1)
SOLICITATION_HEADER, ADVERTISEMENT_HEADER = 8, 16
IPV6_HEADER = 40
UNSPECIFIED = bytes(16)
ALL_NODES = bytes.fromhex("ff020000000000000000000000000001")
ALL_ROUTERS = bytes.fromhex("ff020000000000000000000000000002")

MANAGED, OTHER = 0x80, 0x40  # flags of an advertisement (section 4.2)
ON_LINK, AUTONOMOUS = 0x80, 0x40  # flags of a prefix (section 4.6.2)

SOURCE_LINK_LAYER = 1  # options
PREFIX = 3
MTU = 5
ROUTE = 24  # RFC 4191 section 2.3
DNS_SERVERS = 25  # RFC 8106 section 5.1
DNS_SEARCH = 31  # RFC 8106 section 5.2

INFINITE = 0xFFFFFFFF


def is_solicitation(message: bytes, source: bytes, hop_limit: int) -> bool:
    """Whether an ICMPv6 message is a valid router solicitation; its checksum is right already. Total over all bytes.

    `source` is the IPv6 source address, 16 octets. The octets after the last option are not looked at.
    """
    if hop_limit != HOP_LIMIT or len(message) < SOLICITATION_HEADER:
        return False
    if message[0] != ROUTER_SOLICITATION or message[1] != 0 or source[0] == 0xFF:
        return False
    at = SOLICITATION_HEADER
    while at < len(message):
        length = 8 * message[at + 1] if at + 1 < len(message) else 0
        if length == 0 or at + length > len(message):
            return False
        if message[at] == SOURCE_LINK_LAYER and source == UNSPECIFIED:
            return False
        at += length
    return True
