"""Packets from words: what is meant, and why what is not."""

import pytest

from netmend.flows.packet import BadPacket, complete, packet_text, parse_packet

MAC = "fa:16:3e:00:00:01"


def test_words_become_fields() -> None:
    packet = parse_packet(
        "tcp,dl_dst=fa:16:3e:00:00:01 ip_src=10.0.0.4, nw_dst=10.0.0.5,tcp_dst=0x50,tcp_flags=syn|ack"
    )
    assert packet == {
        **{"eth_type": 0x800, "nw_proto": 6, "eth_dst": 0xFA163E000001, "nw_src": 0x0A000004, "nw_dst": 0x0A000005},
        **{"tp_dst": 80, "tcp_flags": 0x12},
    }
    assert parse_packet("ipv6,dl_vlan=7,ipv6_src=2001:db8::1")["vlan_tci"] == 0x1007


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tpc", "tpc: is no kind of packet"),
        ("tcp,nw_srt=10.0.0.1", "nw_srt: is no field of a packet"),
        ("tcp,nw_src=10.0.0", "nw_src=10.0.0: is no IPv4 address"),
        ("tcp6,ipv6_src=10.0.0.1", "ipv6_src=10.0.0.1: is no IPv6 address"),
        ("tcp,nw_src=10.0.0.0/24", "is no IPv4 address"),
        ("tcp,tp_dst=65536", "tp_dst=65536: is not from 0 to 65535"),
        ("tcp,tp_dst=http", "tp_dst=http: is no number"),
        ("tcp,tp_dst=", "tp_dst=: is no number"),
        ("dl_src=fa:16:3e", "is no MAC address"),
        ("tcp,udp", "udp: contradicts an earlier word"),
        ("tcp,tp_dst=1,tcp_dst=2", "contradicts"),
        ("nw_src=10.0.0.1", "nw_src: such a packet has none; say ip, tcp"),
        ("ip,tp_dst=1", "tp_dst: such a packet has none"),
        ("udp,tcp_flags=syn", "tcp_flags: such a packet has none"),
        ("tcp,tcp_flags=sin", "has the flags fin, syn"),
        ("arp,nw_src=10.0.0.1", "nw_src: such a packet has none"),
        ("reg5=7", "reg5: is no field of a packet"),
        ("dl_vlan=4096", "dl_vlan=4096: is not from 0 to 4095"),
    ],
)
def test_what_cannot_be_meant_is_said(text: str, why: str) -> None:
    with pytest.raises(BadPacket) as caught:
        parse_packet(text)
    assert why in str(caught.value)


def test_what_is_left_open_is_the_ports() -> None:
    request = complete(parse_packet("arp,arp_tpa=10.0.0.9"), mac=MAC, address="10.0.0.4")
    assert packet_text(request) == (
        f"arp,dl_src={MAC},dl_dst=ff:ff:ff:ff:ff:ff,arp_spa=10.0.0.4,arp_tpa=10.0.0.9,arp_op=1,arp_sha={MAC}"
    )
    spoofed = complete(parse_packet("ip,dl_src=fa:16:3e:00:00:02,nw_src=10.0.0.9"), mac=MAC, address="10.0.0.4")
    assert packet_text(spoofed) == "ip,dl_src=fa:16:3e:00:00:02,nw_src=10.0.0.9,nw_ttl=64"


@pytest.mark.parametrize("text", ["tcp,nw_src=10.0.0.4,tcp_dst=80", "udp6,udp_src=546", "icmp6,icmpv6_type=135", "arp"])
def test_the_text_of_a_packet_means_the_packet(text: str) -> None:
    packet = parse_packet(text)
    assert parse_packet(packet_text(packet)) == packet
    assert packet_text(packet) == text
