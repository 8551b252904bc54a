"""Ethernet frames with IPv6 in them, as a packet socket reads and sends them: UDP (RFC 768) and ICMPv6 (RFC 4443).

Reading is total over all bytes. A frame that comes by a virtual device may carry a UDP checksum that nobody has
computed yet, because hardware would; so that of UDP is not looked at. ICMPv6's always is computed.
"""

from struct import Struct
from typing import NamedTuple

UDP, ICMP6 = 17, 58  # next headers
_ETHERTYPE = b"\x86\xdd"
_ETHERNET = 14
_HEADER = 40
_IPV6 = Struct("!LHBB16s16s")  # RFC 8200 section 3
_UDP_HEADER = Struct("!HHHH")
_PSEUDO = Struct("!16s16sLL")  # RFC 8200 section 8.1
_VERSION_6 = 6 << 28
_HOPS = 64


class Packet(NamedTuple):
    """An IPv6 packet without extension headers."""

    mac: bytes  # of the frame's sender
    source: bytes  # 16 octets, as `destination`
    destination: bytes
    hop_limit: int
    protocol: int
    payload: bytes


def read_frame(frame: bytes) -> Packet | None:
    """The packet in an Ethernet frame; None when it is not IPv6, or not whole."""
    if len(frame) < _ETHERNET + _HEADER or frame[12:14] != _ETHERTYPE or frame[14] >> 4 != 6:
        return None
    length = int.from_bytes(frame[18:20], "big")
    start = _ETHERNET + _HEADER
    if len(frame) < start + length:
        return None
    return Packet(frame[6:12], frame[22:38], frame[38:54], frame[21], frame[20], frame[start : start + length])


def read_udp(packet: Packet) -> tuple[int, int, bytes] | None:
    """Source port, destination port and payload of a UDP packet; None when it is malformed."""
    data = packet.payload
    if len(data) < 8:
        return None
    source, destination, length, _ = _UDP_HEADER.unpack_from(data)
    return (source, destination, data[8:length]) if 8 <= length <= len(data) else None


def has_right_checksum(packet: Packet) -> bool:
    """Whether the checksum of an ICMPv6 packet is right."""
    return _sum(packet.source, packet.destination, ICMP6, packet.payload) == 0


def udp_frame(
    macs: tuple[bytes, bytes], source: tuple[bytes, int], destination: tuple[bytes, int], payload: bytes
) -> bytes:
    """A frame with a UDP packet. `macs` are of the sender and the receiver; addresses are packed, ports numbers."""
    length = 8 + len(payload)
    data = _UDP_HEADER.pack(source[1], destination[1], length, 0) + payload
    total = _sum(source[0], destination[0], UDP, data)
    # Never 0, which UDP over IPv6 must not have (RFC 8200 section 8.1).
    data = _UDP_HEADER.pack(source[1], destination[1], length, 0xFFFF - total) + payload
    return _frame(macs, _IPV6.pack(_VERSION_6, len(data), UDP, _HOPS, source[0], destination[0]), data)


def icmp_frame(macs: tuple[bytes, bytes], source: bytes, destination: bytes, message: bytes, hop_limit: int) -> bytes:
    """Make a frame of an ICMPv6 message, and fill in the checksum of the message."""
    total = _sum(source, destination, ICMP6, message[:2] + b"\0\0" + message[4:])
    checked = message[:2] + (0xFFFF - total).to_bytes(2, "big") + message[4:]
    return _frame(macs, _IPV6.pack(_VERSION_6, len(checked), ICMP6, hop_limit, source, destination), checked)


def multicast_mac(address: bytes) -> bytes:
    """The MAC that a multicast address goes to: RFC 2464 section 7."""
    return b"\x33\x33" + address[12:]


def _frame(macs: tuple[bytes, bytes], header: bytes, data: bytes) -> bytes:
    return b"".join((macs[1], macs[0], _ETHERTYPE, header, data))


def _sum(source: bytes, destination: bytes, protocol: int, data: bytes) -> int:
    """The one's complement sum with the pseudo-header (RFC 1071), 0 for 0xffff: 2**16 is 1 modulo 2**16 - 1."""
    padding = b"\0" if len(data) & 1 else b""
    return int.from_bytes(_PSEUDO.pack(source, destination, len(data), protocol) + data + padding, "big") % 0xFFFF
