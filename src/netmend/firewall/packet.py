"""What rules read of a frame: addresses, protocol, ports. Octets that are not there are read as nothing."""

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Literal

from msgspec import Struct

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806  # Ethernet types
ICMP, TCP, UDP, DCCP, ICMPV6, SCTP, UDP_LITE = 1, 6, 17, 33, 58, 132, 136
WITH_PORTS: Final = frozenset({TCP, UDP, DCCP, SCTP, UDP_LITE})

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _NO_NEXT, _DESTINATION = 0, 43, 44, 51, 59, 60
_EXTENSIONS: Final = frozenset({_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _NO_NEXT, _DESTINATION})


class Packet(Struct, frozen=True):
    """One packet. `protocol` is what IP carries, behind the extension headers of IPv6; None where none can be found.

    `ports` are source and destination of TCP, UDP, SCTP, DCCP and UDP-Lite, `icmp` type and code of ICMP and ICMPv6;
    None where the packet has none, or not all of them. `is_later_fragment`: neither can be read, for the first fragment
    has them.
    """

    ether_type: int
    source: IPv4Address | IPv6Address | None = None
    destination: IPv4Address | IPv6Address | None = None
    protocol: int | None = None
    ports: tuple[int, int] | None = None
    icmp: tuple[int, int] | None = None
    is_later_fragment: bool = False

    @property
    def version(self) -> Literal[4, 6] | None:
        """The version of IP; None: it is not IP."""
        return 4 if self.ether_type == IPV4 else 6 if self.ether_type == IPV6 else None


def packet_of(frame: bytes) -> Packet:
    """What is in an Ethernet frame, as the kernel reads it."""
    kind, data = int.from_bytes(frame[12:14]), frame[14:]
    if kind == IPV4 and len(data) >= 20:
        return _ipv4(data)
    if kind == IPV6 and len(data) >= 40:
        return _ipv6(data)
    return Packet(kind)


def _ipv4(data: bytes) -> Packet:
    source, destination, header = IPv4Address(data[12:16]), IPv4Address(data[16:20]), 4 * (data[0] & 15)
    length, offset = struct.unpack_from("!H2xH", data, 2)
    if data[0] >> 4 != 4 or header < 20 or not header <= length <= len(data):
        return Packet(IPV4, source, destination)
    if offset & 0x1FFF:
        return Packet(IPV4, source, destination, data[9], is_later_fragment=True)
    return _with_upper(Packet(IPV4, source, destination, data[9]), data[header:length])


def _ipv6(data: bytes) -> Packet:
    source, destination = IPv6Address(data[8:24]), IPv6Address(data[24:40])
    upper = upper_of(data)
    if upper is None:
        return Packet(IPV6, source, destination)
    if upper.is_later:
        return Packet(IPV6, source, destination, upper.protocol, is_later_fragment=True)
    return _with_upper(Packet(IPV6, source, destination, upper.protocol), upper.data)


def _with_upper(packet: Packet, data: bytes) -> Packet:
    """The packet with its ports, or its type and code."""
    ports: tuple[int, int] | None = None
    icmp: tuple[int, int] | None = None
    if packet.protocol in WITH_PORTS and len(data) >= 4:
        ports = struct.unpack_from("!HH", data)
    elif packet.protocol in {ICMP, ICMPV6} and len(data) >= 2:
        icmp = data[0], data[1]
    return Packet(packet.ether_type, packet.source, packet.destination, packet.protocol, ports, icmp)


class Upper(Struct, frozen=True):
    """What an IPv6 packet carries, behind its extension headers."""

    protocol: int
    is_later: bool  # a fragment that is not the first
    data: bytes


def upper_of(packet: bytes) -> Upper | None:
    """What an IPv6 packet of at least 40 octets carries; None where the kernel finds nothing
    (net/ipv6/exthdrs_core.c, ipv6_find_hdr)."""
    if packet[0] >> 4 != 6 or struct.unpack_from("!H", packet, 4)[0] + 40 > len(packet):
        return None
    kind, start = packet[6], 40
    while kind in _EXTENSIONS and kind != _AUTHENTICATION:  # what that covers is for those alone who have its key
        if kind == _NO_NEXT or start + (4 if kind == _FRAGMENT else 2) > len(packet):
            return None
        following, length = packet[start], (packet[start + 1] + 1) * 8
        if kind == _FRAGMENT:
            length = 8
            if struct.unpack_from("!H", packet, start + 2)[0] & 0xFFF8:
                return None if following in _EXTENSIONS else Upper(following, is_later=True, data=b"")
        kind, start = following, start + length
    return Upper(kind, is_later=False, data=packet[start:])
