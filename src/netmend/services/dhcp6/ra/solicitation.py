"""Router solicitations: which of them are to be heard (RFC 4861 section 6.1.1). Total over all bytes."""

from netmend.services.dhcp6.ra import wire


def is_solicitation(message: bytes, source: bytes, hop_limit: int) -> bool:
    """Whether an ICMPv6 message, whose checksum is right, is a valid router solicitation.

    `source` is the IPv6 source address, 16 octets. The octets after the last option are not looked at.
    """
    if hop_limit != wire.HOP_LIMIT or len(message) < wire.SOLICITATION_HEADER:
        return False
    if message[0] != wire.ROUTER_SOLICITATION or message[1] != 0 or source[0] == 0xFF:
        return False
    at = wire.SOLICITATION_HEADER
    while at < len(message):
        length = 8 * message[at + 1] if at + 1 < len(message) else 0
        if length == 0 or at + length > len(message):
            return False
        if message[at] == wire.SOURCE_LINK_LAYER and source == wire.UNSPECIFIED:
            return False
        at += length
    return True
