"""The verdict of port security on a frame, as its rules give it (`netmend.firewall.rules`), in plain steps.

Nothing runs on this: it is what tests hold against the kernel, with the same frames, and what a reader can follow.
Octets that are not there are read as nothing, and what depends on them is refused.
"""

import struct
from ipaddress import IPv4Address, IPv6Address

from netmend.firewall.guard import Guard
from netmend.firewall.packet import ICMPV6, UDP, Upper, upper_of

_ARP_HEAD = b"\0\1\x08\0\6\4"
_UNSPECIFIED = IPv6Address(0)


def passes(guard: Guard, frame: bytes) -> bool:
    """Whether a port so guarded may send this Ethernet frame."""
    mac = frame[6:12].hex(":")
    if mac not in guard.macs or (frame[:5] == b"\x01\x80\xc2\0\0" and frame[5] < 16):
        return False
    match frame[12:14]:
        case b"\x08\x06":
            return _arp(guard, frame[14:])
        case b"\x08\x00":
            return _ipv4(guard, mac, frame[14:])
        case b"\x86\xdd":
            return _ipv6(guard, mac, frame[14:])
    return False


def _arp(guard: Guard, packet: bytes) -> bool:
    if len(packet) < 28 or packet[:6] != _ARP_HEAD:
        return False
    mac, sender, target = packet[8:14].hex(":"), IPv4Address(packet[14:18]), IPv4Address(packet[24:28])
    # one who asks whether an address is free (RFC 5227) has none yet
    return guard.allows(mac, sender) or (int(sender) == 0 and guard.allows(mac, target))


def _ipv4(guard: Guard, mac: str, packet: bytes) -> bool:
    if len(packet) < 20:
        return False
    header, length = 4 * (packet[0] & 15), struct.unpack_from("!H", packet, 2)[0]
    source, is_udp = IPv4Address(packet[12:16]), packet[9] == UDP
    is_later = bool(struct.unpack_from("!H", packet, 6)[0] & 0x1FFF)
    if packet[0] >> 4 != 4 or header < 20 or not header <= length <= len(packet):
        return is_later and guard.allows(mac, source)  # the kernel knows no protocol of it
    ports = None if is_later else _ports(packet[header:])
    if guard.allows(mac, source):
        return not is_udp or is_later or ports not in {None, (67, 68)}
    # a DHCP client, without an address or with one that was taken from it (RFC 2131 section 4.4.5)
    return is_udp and ports == (68, 67)


def _ports(segment: bytes) -> tuple[int, int] | None:
    return struct.unpack_from("!HH", segment) if len(segment) >= 4 else None


def _ipv6(guard: Guard, mac: str, packet: bytes) -> bool:
    if len(packet) < 40:
        return False
    source, upper = IPv6Address(packet[8:24]), upper_of(packet)
    if upper is None:
        return False
    if guard.allows(mac, source):
        match upper.protocol:
            case 58:
                return upper.is_later or _icmpv6(guard, mac, upper.data)
            case 17:
                return upper.is_later or _ports(upper.data) not in {None, (547, 546)}
            case _:
                return True
    return source == _UNSPECIFIED and upper.protocol == ICMPV6 and not upper.is_later and _without(guard, mac, upper)


def _icmpv6(guard: Guard, mac: str, message: bytes) -> bool:
    if not message or message[0] in {134, 137}:  # a router's advertisement, a redirect
        return False
    return message[0] != 136 or _own_target(guard, mac, message)


def _without(guard: Guard, mac: str, upper: Upper) -> bool:
    """From one without an address: it joins groups, looks for routers, asks whether its own is free (RFC 4862)."""
    kind = upper.data[0] if upper.data else None
    return kind in {131, 132, 133, 143} or (kind == 135 and _own_target(guard, mac, upper.data))


def _own_target(guard: Guard, mac: str, message: bytes) -> bool:
    return len(message) >= 24 and guard.allows(mac, IPv6Address(message[8:24]))
