"""Fields of packets and of the switch, by the numbers that they have in OpenFlow (ovs-fields(7); Open vSwitch's
include/openvswitch/meta-flow.h).

Several numbers may stand for one field: the switch calls the source port of TCP and that of UDP alike, so `name` is
what a flow matches on and `title` what an action's text says.
"""

from typing import Final, Literal, cast

from msgspec import Struct

Shape = Literal["hex", "decimal", "mac", "ipv4", "ipv6", "port", "ct_state", "tcp_flags", "frag"]

NXM_0: Final = 0x0000
NXM_1: Final = 0x0001
OXM: Final = 0x8000
PACKET_REGISTERS: Final = 0x8001
EXPERIMENTER: Final = 0xFFFF

VLAN_PRESENT: Final = 0x1000
ETH_IP: Final = 0x0800
ETH_ARP: Final = 0x0806
ETH_RARP: Final = 0x8035
ETH_IPV6: Final = 0x86DD
ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMPV6: Final = 58
SCTP: Final = 132

CT_STATES: Final = ("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat")
"""Bits of `ct_state`, the lowest first."""
TCP_FLAGS: Final = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")
"""Bits of `tcp_flags`, the lowest first."""


class Field(Struct, frozen=True):
    """`kind` and `number` are the class and field of an OXM header, `octets` the length of a value on the wire."""

    name: str  # what a match calls it
    title: str  # as in the text of `load` and `move`, such as NXM_NX_REG5
    kind: int
    number: int
    octets: int
    bits: int
    shape: Shape
    setter: str  # as in the text of `set_field`, such as tcp_dst

    @property
    def whole(self) -> int:
        """The mask of all bits."""
        return (1 << self.bits) - 1


_OXM: Final = """
0 in_port IN_PORT 4 32 port
2 metadata METADATA 8 64 hex
3 eth_dst ETH_DST 6 48 mac
4 eth_src ETH_SRC 6 48 mac
5 eth_type ETH_TYPE 2 16 hex
6 vlan_vid VLAN_VID 2 13 decimal
7 vlan_pcp VLAN_PCP 1 3 decimal
8 ip_dscp IP_DSCP 1 6 decimal
9 nw_ecn IP_ECN 1 2 decimal
10 nw_proto IP_PROTO 1 8 decimal
11 nw_src IPV4_SRC 4 32 ipv4
12 nw_dst IPV4_DST 4 32 ipv4
13 tp_src TCP_SRC 2 16 decimal
14 tp_dst TCP_DST 2 16 decimal
15 tp_src UDP_SRC 2 16 decimal
16 tp_dst UDP_DST 2 16 decimal
17 tp_src SCTP_SRC 2 16 decimal
18 tp_dst SCTP_DST 2 16 decimal
19 icmp_type ICMPV4_TYPE 1 8 decimal
20 icmp_code ICMPV4_CODE 1 8 decimal
21 arp_op ARP_OP 2 16 decimal
22 arp_spa ARP_SPA 4 32 ipv4
23 arp_tpa ARP_TPA 4 32 ipv4
24 arp_sha ARP_SHA 6 48 mac
25 arp_tha ARP_THA 6 48 mac
26 ipv6_src IPV6_SRC 16 128 ipv6
27 ipv6_dst IPV6_DST 16 128 ipv6
28 ipv6_label IPV6_FLABEL 4 20 hex
29 icmp_type ICMPV6_TYPE 1 8 decimal
30 icmp_code ICMPV6_CODE 1 8 decimal
31 nd_target IPV6_ND_TARGET 16 128 ipv6
32 nd_sll IPV6_ND_SLL 6 48 mac
33 nd_tll IPV6_ND_TLL 6 48 mac
34 mpls_label MPLS_LABEL 4 20 decimal
35 mpls_tc MPLS_TC 1 3 decimal
36 mpls_bos MPLS_BOS 1 1 decimal
38 tun_id TUNNEL_ID 8 64 hex
42 tcp_flags TCP_FLAGS 2 12 tcp_flags
43 actset_output ACTSET_OUTPUT 4 32 port
"""
_NXM_0: Final = """
0 in_port IN_PORT 2 16 port
1 eth_dst ETH_DST 6 48 mac
2 eth_src ETH_SRC 6 48 mac
3 eth_type ETH_TYPE 2 16 hex
4 vlan_tci VLAN_TCI 2 16 hex
5 nw_tos IP_TOS 1 8 decimal
6 nw_proto IP_PROTO 1 8 decimal
7 nw_src IP_SRC 4 32 ipv4
8 nw_dst IP_DST 4 32 ipv4
9 tp_src TCP_SRC 2 16 decimal
10 tp_dst TCP_DST 2 16 decimal
11 tp_src UDP_SRC 2 16 decimal
12 tp_dst UDP_DST 2 16 decimal
13 icmp_type ICMP_TYPE 1 8 decimal
14 icmp_code ICMP_CODE 1 8 decimal
15 arp_op ARP_OP 2 16 decimal
16 arp_spa ARP_SPA 4 32 ipv4
17 arp_tpa ARP_TPA 4 32 ipv4
"""
_NXM_1: Final = """
16 tun_id TUN_ID 8 64 hex
17 arp_sha ARP_SHA 6 48 mac
18 arp_tha ARP_THA 6 48 mac
19 ipv6_src IPV6_SRC 16 128 ipv6
20 ipv6_dst IPV6_DST 16 128 ipv6
21 icmp_type ICMPV6_TYPE 1 8 decimal
22 icmp_code ICMPV6_CODE 1 8 decimal
23 nd_target ND_TARGET 16 128 ipv6
24 nd_sll ND_SLL 6 48 mac
25 nd_tll ND_TLL 6 48 mac
26 nw_frag IP_FRAG 1 2 frag
27 ipv6_label IPV6_LABEL 4 20 hex
28 nw_ecn IP_ECN 1 2 decimal
29 nw_ttl IP_TTL 1 8 decimal
30 mpls_ttl MPLS_TTL 1 8 decimal
31 tun_src TUN_IPV4_SRC 4 32 ipv4
32 tun_dst TUN_IPV4_DST 4 32 ipv4
33 pkt_mark PKT_MARK 4 32 hex
34 tcp_flags TCP_FLAGS 2 12 tcp_flags
35 dp_hash DP_HASH 4 32 hex
36 recirc_id RECIRC_ID 4 32 hex
37 conj_id CONJ_ID 4 32 decimal
38 tun_gbp_id TUN_GBP_ID 2 16 decimal
39 tun_gbp_flags TUN_GBP_FLAGS 1 8 hex
104 tun_flags TUN_FLAGS 2 16 hex
105 ct_state CT_STATE 4 32 ct_state
106 ct_zone CT_ZONE 2 16 decimal
107 ct_mark CT_MARK 4 32 hex
108 ct_label CT_LABEL 16 128 hex
109 tun_ipv6_src TUN_IPV6_SRC 16 128 ipv6
110 tun_ipv6_dst TUN_IPV6_DST 16 128 ipv6
119 ct_nw_proto CT_NW_PROTO 1 8 decimal
120 ct_nw_src CT_NW_SRC 4 32 ipv4
121 ct_nw_dst CT_NW_DST 4 32 ipv4
122 ct_ipv6_src CT_IPV6_SRC 16 128 ipv6
123 ct_ipv6_dst CT_IPV6_DST 16 128 ipv6
124 ct_tp_src CT_TP_SRC 2 16 decimal
125 ct_tp_dst CT_TP_DST 2 16 decimal
"""
REGISTERS: Final = 16
_SETTERS: Final = {
    **{"NXM_OF_IP_SRC": "ip_src", "OXM_OF_IPV4_SRC": "ip_src", "NXM_OF_IP_DST": "ip_dst", "OXM_OF_IPV4_DST": "ip_dst"},
    **{"OXM_OF_ICMPV4_TYPE": "icmp_type", "OXM_OF_ICMPV4_CODE": "icmp_code", "OXM_OF_IPV6_FLABEL": "ipv6_label"},
    **{"OXM_OF_IPV6_ND_TARGET": "nd_target", "OXM_OF_IPV6_ND_SLL": "nd_sll", "OXM_OF_IPV6_ND_TLL": "nd_tll"},
    **{"OXM_OF_TUNNEL_ID": "tun_id", "NXM_NX_TUN_IPV4_SRC": "tun_src", "NXM_NX_TUN_IPV4_DST": "tun_dst"},
    **{"NXM_NX_IP_TTL": "nw_ttl", "NXM_NX_IP_FRAG": "ip_frag", "OXM_OF_IP_ECN": "nw_ecn"},
    **{"NXM_NX_IP_ECN": "nw_ecn", "OXM_OF_IP_PROTO": "nw_proto", "NXM_OF_IP_PROTO": "nw_proto"},
    **{"NXM_OF_IP_TOS": "ip_tos"},
}


def _fields() -> list[Field]:
    found = []
    for kind, prefix, lines in ((OXM, "OXM_OF_", _OXM), (NXM_0, "NXM_OF_", _NXM_0), (NXM_1, "NXM_NX_", _NXM_1)):
        for line in lines.split("\n"):
            if line:
                number, name, short, octets, bits, shape = line.split()
                title = prefix + short
                setter = _SETTERS.get(title, short.lower())
                found.append(
                    Field(name, title, kind, int(number), int(octets), int(bits), cast("Shape", shape), setter)
                )
    for index in range(REGISTERS):
        name = f"reg{index}"
        found.append(Field(name, f"NXM_NX_REG{index}", NXM_1, index, 4, 32, "hex", name))
    for index in range(REGISTERS // 2):
        name = f"xreg{index}"
        found.append(Field(name, f"OXM_OF_PKT_REG{index}", PACKET_REGISTERS, index, 8, 64, "hex", name))
    for index in range(REGISTERS // 4):
        name = f"xxreg{index}"
        found.append(Field(name, f"NXM_NX_XXREG{index}", NXM_1, 111 + index, 16, 128, "hex", name))
    return found


ALL: Final = tuple(_fields())
BY_NUMBER: Final = {(field.kind, field.number): field for field in ALL}
BY_TITLE: Final = {field.title: field for field in ALL}
_PREFERRED: Final = sorted(ALL, key=lambda field: field.kind != OXM)  # the standard's numbers before Nicira's
BY_NAME: Final = {field.name: field for field in reversed(_PREFERRED)}
"""By the name that a match uses. A port's number differs by protocol: `for_protocol`."""


def for_protocol(name: str, eth_type: int, protocol: int) -> Field:
    """The field of that name in a packet of that kind; raises KeyError where there is none."""
    sixth = eth_type == ETH_IPV6
    if name in {"tp_src", "tp_dst"}:
        title = {TCP: "TCP", UDP: "UDP", SCTP: "SCTP"}[protocol]
        return BY_TITLE[f"OXM_OF_{title}_{name[3:].upper()}"]
    if name in {"icmp_type", "icmp_code"}:
        return BY_TITLE[f"OXM_OF_{'ICMPV6' if sixth else 'ICMPV4'}_{name[5:].upper()}"]
    return BY_NAME[name]
