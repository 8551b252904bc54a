"""Frames with IPv6: ours as scapy reads them, scapy's as we read them, and any bytes."""

from ipaddress import IPv6Address

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import inet6
from scapy.layers.inet import UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from netmend.services.dhcp6 import packets

US, THEM = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
HERE, THERE = IPv6Address("fe80::1").packed, IPv6Address("fe80::2").packed
addresses = st.ip_addresses(v=6).map(lambda address: address.packed)


@given(st.binary(max_size=300), addresses, addresses, st.integers(0, 65_535))
def test_what_we_send_by_udp(payload: bytes, source: bytes, destination: bytes, port: int) -> None:
    frame = packets.udp_frame((US, THEM), (source, 547), (destination, port), payload)
    packet = Ether(frame)
    assert (packet.src, packet.dst) == (US.hex(":"), THEM.hex(":"))
    assert (IPv6Address(packet[inet6.IPv6].src).packed, IPv6Address(packet[inet6.IPv6].dst).packed) == (
        source,
        destination,
    )
    assert (frame[54:56], int.from_bytes(frame[56:58], "big")) == (b"\x02\x23", port)
    again = Ether(frame)
    del again[UDP].chksum, again[UDP].len, again[inet6.IPv6].plen
    assert bytes(again) == frame
    assert frame[60:62] != b"\0\0"  # RFC 8200 section 8.1
    assert packets.read_frame(frame) == (US, source, destination, 64, 17, frame[54:])


@given(st.binary(min_size=4, max_size=300), addresses, addresses)
def test_what_we_send_by_icmp(rest: bytes, source: bytes, destination: bytes) -> None:
    frame = packets.icmp_frame((US, THEM), source, destination, b"\xc8\0" + rest, 255)
    packet = packets.read_frame(frame)
    assert packet is not None
    assert (packet.hop_limit, packet.protocol, packet.payload[4:]) == (255, 58, rest[2:])
    assert packets.has_right_checksum(packet)
    assert inet6.in6_chksum(58, Ether(frame)[inet6.IPv6], packet.payload) == 0  # type: ignore[no-untyped-call]


def test_what_others_send() -> None:
    layers = inet6.IPv6(src="fe80::2", dst="ff02::1:2", hlim=1) / UDP(sport=546, dport=547) / Raw(b"hello")
    packet = packets.read_frame(bytes(Ether(src=THEM.hex(":"), dst="33:33:00:01:00:02") / layers) + b"padding")
    assert packet is not None
    assert (packet.mac, packet.source, packet.hop_limit) == (THEM, THERE, 1)
    assert packets.read_udp(packet) == (546, 547, b"hello")
    question = inet6.IPv6(src="fe80::2", dst="ff02::2", hlim=255) / inet6.ICMPv6ND_RS()
    packet = packets.read_frame(bytes(Ether() / question))
    assert packet is not None and packets.has_right_checksum(packet)
    wrong = packet._replace(payload=packet.payload[:-1] + b"\1")
    assert not packets.has_right_checksum(wrong)


def test_a_group_goes_to_its_mac_rfc2464() -> None:
    assert packets.multicast_mac(IPv6Address("ff02::1:ff00:1").packed) == bytes.fromhex("3333ff000001")


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes(data: bytes, length: int) -> None:
    sound = packets.udp_frame((US, THEM), (HERE, 547), (THERE, 546), data)
    for frame in (data, sound[:length], data[:12] + b"\x86\xdd" + data, sound[:54] + data):
        packet = packets.read_frame(frame)
        if packet is not None:
            packets.read_udp(packet)
            packets.has_right_checksum(packet)
