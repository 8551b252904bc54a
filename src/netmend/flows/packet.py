"""A packet from words, as ovs-ofctl(8) has flows: `tcp,nw_src=10.0.0.4,nw_dst=10.0.0.5,tp_dst=80`."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from netmend.flows.lookup import Packet
from netmend.ground.openflow.fields import BY_NAME, CT_STATES, ETH_ARP, ETH_IP, ETH_IPV6, ETH_RARP, TCP_FLAGS, Field
from netmend.ground.openflow.text import match_text

KINDS: Final = {
    **{"ip": (ETH_IP, None), "icmp": (ETH_IP, 1), "tcp": (ETH_IP, 6), "udp": (ETH_IP, 17), "sctp": (ETH_IP, 132)},
    **{"ipv6": (ETH_IPV6, None), "icmp6": (ETH_IPV6, 58), "tcp6": (ETH_IPV6, 6), "udp6": (ETH_IPV6, 17)},
    **{"sctp6": (ETH_IPV6, 132), "arp": (ETH_ARP, None), "rarp": (ETH_RARP, None)},
}
_OTHERS: Final = {
    **{"dl_src": "eth_src", "dl_dst": "eth_dst", "dl_type": "eth_type", "ip_src": "nw_src", "ip_dst": "nw_dst"},
    **{"ip_proto": "nw_proto", "icmpv6_type": "icmp_type", "icmpv6_code": "icmp_code", "icmp_op": "icmp_type"},
    **{"tcp_src": "tp_src", "tcp_dst": "tp_dst", "udp_src": "tp_src", "udp_dst": "tp_dst"},
    **{"sctp_src": "tp_src", "sctp_dst": "tp_dst"},
}
_OF_A_PACKET: Final = frozenset(
    (
        *("eth_src", "eth_dst", "eth_type", "vlan_tci", "nw_src", "nw_dst", "nw_proto", "nw_tos", "nw_ttl", "nw_frag"),
        *("ipv6_src", "ipv6_dst", "ipv6_label", "icmp_type", "icmp_code", "tp_src", "tp_dst", "tcp_flags"),
        *("arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha", "nd_target", "nd_sll", "nd_tll", "tun_id"),
    )
)
# ofproto/trace reads names of flows by their protocols alone.
_SPELLED: Final = {
    **{(kind, 6): ("tp", "tcp") for kind in (ETH_IP, ETH_IPV6)},
    **{(kind, 17): ("tp", "udp") for kind in (ETH_IP, ETH_IPV6)},
    **{(kind, 132): ("tp", "sctp") for kind in (ETH_IP, ETH_IPV6)},
    (ETH_IPV6, 58): ("icmp", "icmpv6"),
}
_BROADCAST: Final = 0xFFFFFFFFFFFF
_DEFAULT_TTL: Final = 64


class BadPacket(ValueError):
    """Says which word of a packet cannot be meant, and why."""


def parse_packet(text: str) -> Packet:
    """What the words say, and no more; raises BadPacket."""
    packet: Packet = {}
    for word in filter(None, re.split(r"[,\s]+", text.strip())):
        name, sign, value = word.partition("=")
        if not sign:
            if name not in KINDS:
                raise BadPacket(f"{name}: is no kind of packet; there are {', '.join(KINDS)}")
            kind, protocol = KINDS[name]
            _set(packet, "eth_type", kind, word)
            if protocol is not None:
                _set(packet, "nw_proto", protocol, word)
        elif name == "dl_vlan":
            _set(packet, "vlan_tci", 0x1000 | _number(word, value, 0xFFF), word)
        else:
            name = _OTHERS.get(name, name)
            if name not in _OF_A_PACKET:
                raise BadPacket(f"{name}: is no field of a packet; there are {', '.join(sorted(_OF_A_PACKET))}")
            _set(packet, name, _value(BY_NAME[name], word, value), word)
    _check(packet)
    return packet


def _set(packet: Packet, name: str, value: int, word: str) -> None:
    if packet.get(name, value) != value:
        raise BadPacket(f"{word}: contradicts an earlier word")
    packet[name] = value


def _number(word: str, text: str, most: int) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        raise BadPacket(f"{word}: is no number") from None
    if not 0 <= number <= most:
        raise BadPacket(f"{word}: is not from 0 to {most}")
    return number


def _value(field: Field, word: str, text: str) -> int:
    match field.shape:
        case "mac":
            if not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", text):
                raise BadPacket(f"{word}: is no MAC address, such as fa:16:3e:00:00:01")
            return int(text.replace(":", ""), 16)
        case "ipv4" | "ipv6":
            kind = IPv4Address if field.shape == "ipv4" else IPv6Address
            try:
                return int(kind(text))
            except ValueError:
                raise BadPacket(f"{word}: is no {'IPv4' if field.shape == 'ipv4' else 'IPv6'} address") from None
        case "tcp_flags":
            return _bits(word, text, TCP_FLAGS)
        case "ct_state":
            return _bits(word, text, CT_STATES)
        case _:
            return _number(word, text, field.whole)


def _bits(word: str, text: str, names: tuple[str, ...]) -> int:
    """Such as `syn|ack`."""
    try:
        return sum({1 << names.index(name) for name in re.split(r"[|+]", text.lstrip("+"))})
    except ValueError:
        raise BadPacket(f"{word}: has the flags {', '.join(names)}") from None


def _check(packet: Packet) -> None:
    kind, protocol = packet.get("eth_type"), packet.get("nw_proto")
    needs = (
        (("nw_src", "nw_dst"), kind == ETH_IP, "ip, tcp, udp, icmp or sctp"),
        (("ipv6_src", "ipv6_dst", "ipv6_label"), kind == ETH_IPV6, "ipv6, tcp6, udp6, icmp6 or sctp6"),
        (("nw_proto", "nw_tos", "nw_ttl", "nw_frag"), kind in {ETH_IP, ETH_IPV6}, "ip or ipv6"),
        (("arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha"), kind in {ETH_ARP, ETH_RARP}, "arp"),
        (("tp_src", "tp_dst"), protocol in {6, 17, 132}, "tcp, udp or sctp"),
        (("tcp_flags",), protocol == 6, "tcp"),
        (("icmp_type", "icmp_code"), protocol in {1, 58}, "icmp or icmp6"),
        (("nd_target", "nd_sll", "nd_tll"), protocol == 58, "icmp6"),
    )
    for names, holds, kinds in needs:
        for name in names:
            if name in packet and not holds:
                raise BadPacket(f"{name}: such a packet has none; say {kinds} first")


def complete(packet: Packet, *, mac: str | None = None, address: str | None = None) -> Packet:
    """The packet as a guest with that MAC and IPv4 address would send it, where the words left that open."""
    made = dict(packet)
    if mac is not None:
        made.setdefault("eth_src", int(mac.replace(":", ""), 16))
    match made.get("eth_type"):
        case 0x0806:
            made.setdefault("eth_dst", _BROADCAST)
            made.setdefault("arp_op", 1)
            made.setdefault("arp_sha", made.get("eth_src", 0))
            if address is not None:
                made.setdefault("arp_spa", int(IPv4Address(address)))
        case 0x0800:
            made.setdefault("nw_ttl", _DEFAULT_TTL)
            if address is not None:
                made.setdefault("nw_src", int(IPv4Address(address)))
        case 0x86DD:
            made.setdefault("nw_ttl", _DEFAULT_TTL)
    return made


def packet_text(packet: Packet) -> str:
    """The packet in words that `parse_packet` and ofproto/trace read."""
    shown = {name: (value, BY_NAME[name].whole) for name, value in packet.items() if name != "nw_frag" or value}
    text = match_text(shown)
    old, new = _SPELLED.get((packet.get("eth_type", 0), packet.get("nw_proto", 0)), ("", ""))
    return text.replace(f",{old}_", f",{new}_") if old else text
