"""Ethernet frames around UDP datagrams, for guests that have no address yet and so do not answer ARP."""

from struct import Struct

BROADCAST_MAC = b"\xff" * 6
_ETHERTYPE_IPV4 = b"\x08\x00"
_PROTOCOL_UDP = 17
_TTL = 64
_DO_NOT_FRAGMENT = 0x4000
_IPV4 = Struct("!BBHHHBBH4s4s")  # RFC 791 section 3.1
_UDP = Struct("!HHHH")  # RFC 768
_PSEUDO = Struct("!4s4sHH")  # RFC 768: addresses, protocol, length


def udp_frame(
    source_mac: bytes,
    destination_mac: bytes,
    source: tuple[bytes, int],
    destination: tuple[bytes, int],
    payload: bytes,
) -> bytes:
    """An Ethernet II frame with an IPv4 UDP datagram, both checksums set. Addresses are packed; ports are numbers."""
    source_ip, source_port = source
    destination_ip, destination_port = destination
    length = 8 + len(payload)
    udp = _UDP.pack(source_port, destination_port, length, 0)
    padding = b"\0" if length & 1 else b""
    total = _sum(_PSEUDO.pack(source_ip, destination_ip, _PROTOCOL_UDP, length) + udp + payload + padding)
    udp = _UDP.pack(source_port, destination_port, length, 0xFFFF - total)  # never 0, which means "no checksum"
    fields = (0x45, 0, 20 + length, 0, _DO_NOT_FRAGMENT, _TTL, _PROTOCOL_UDP)
    total = _sum(_IPV4.pack(*fields, 0, source_ip, destination_ip))
    header = _IPV4.pack(*fields, 0xFFFF - total, source_ip, destination_ip)
    return b"".join((destination_mac, source_mac, _ETHERTYPE_IPV4, header, udp, payload))


def _sum(data: bytes) -> int:
    """The one's complement sum of 16-bit words (RFC 1071), 0 for 0xffff: 2**16 is 1 modulo 2**16 - 1."""
    return int.from_bytes(data, "big") % 0xFFFF
