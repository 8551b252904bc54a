"""Flows as `ovs-ofctl dump-flows --no-names --no-stats` prints them, for a person, or a test, to compare the two
(ovs-ofctl(8), "Flow Syntax")."""

from typing import Final

from netmend.ground.openflow import fields
from netmend.ground.openflow.action_text import action_text
from netmend.ground.openflow.actions import Actions
from netmend.ground.openflow.fields import BY_NAME, ETH_ARP, ETH_IP, ETH_IPV6, ETH_RARP
from netmend.ground.openflow.flow import DEFAULT_PRIORITY, Flow, Match
from netmend.ground.openflow.spell import masked

_BEFORE: Final = ("pkt_mark", "recirc_id", "dp_hash", "conj_id", "actset_output", "ct_state", "ct_zone", "ct_mark")
_TRACKED: Final = (
    "ct_label",
    "ct_nw_src",
    "ct_ipv6_src",
    "ct_nw_dst",
    "ct_ipv6_dst",
    "ct_nw_proto",
    "ct_tp_src",
    "ct_tp_dst",
)
_MIDDLE: Final = (
    *(f"reg{number}" for number in range(fields.REGISTERS)),
    *("tun_id", "tun_src", "tun_dst", "tun_ipv6_src", "tun_ipv6_dst", "tun_gbp_id", "tun_gbp_flags", "tun_flags"),
    *("metadata", "in_port"),
)
_AFTER: Final = ("ipv6_src", "ipv6_dst", "ipv6_label", "arp_spa", "arp_tpa", "nw_src", "nw_dst")
_LAST: Final = ("arp_op", "arp_sha", "arp_tha")
_NETWORK: Final = ("nw_ttl", "mpls_label", "mpls_tc", "mpls_bos", "mpls_ttl", "nw_frag")
_TRANSPORT: Final = ("icmp_type", "icmp_code", "nd_target", "nd_sll", "nd_tll", "tp_src", "tp_dst", "tcp_flags")
_OTHERS: Final = {"eth_src": "dl_src", "eth_dst": "dl_dst"}
_KINDS: Final = {ETH_IP: "ip", ETH_IPV6: "ipv6", ETH_ARP: "arp", ETH_RARP: "rarp", 0x8847: "mpls", 0x8848: "mplsm"}
_PROTOCOLS: Final = {
    **{(ETH_IP, 1): "icmp", (ETH_IP, 6): "tcp", (ETH_IP, 17): "udp", (ETH_IP, 132): "sctp"},
    **{(ETH_IPV6, 58): "icmp6", (ETH_IPV6, 6): "tcp6", (ETH_IPV6, 17): "udp6", (ETH_IPV6, 132): "sctp6"},
}


def flow_text(flow: Flow) -> str:
    """The whole flow in one line."""
    head = f"cookie={flow.cookie:#x}, " if flow.cookie else ""
    head += f"table={flow.table}, " if flow.table else ""
    if flow.idle_timeout:
        head += f"idle_timeout={flow.idle_timeout}, "
    if flow.hard_timeout:
        head += f"hard_timeout={flow.hard_timeout}, "
    parts = [] if flow.priority == DEFAULT_PRIORITY else [f"priority={flow.priority}"]
    parts += match_parts(flow.match)
    parts += [f"unread:{number}" for number in flow.unread]
    text = ",".join(parts)
    return f"{head}{text}{' ' if text else ''}actions={actions_text(flow.actions)}"


def actions_text(actions: Actions) -> str:
    return ",".join(map(action_text, actions)) if actions else "drop"


def match_text(match: Match) -> str:
    return ",".join(match_parts(match))


def match_parts(match: Match) -> list[str]:
    """Each condition: `tcp`, `dl_vlan=5`, `nw_src=10.0.0.0/8`."""
    found = [_part(name, match) for name in (*_BEFORE, *_TRACKED) if name in match]
    kind, protocol = _exact(match, "eth_type"), _exact(match, "nw_proto")
    word = _PROTOCOLS.get((kind, protocol)) if kind is not None and protocol is not None else None
    spelled = word is not None
    word = word or (_KINDS.get(kind) if kind is not None else None)
    if word:
        found.append(word)
    found += [_part(name, match) for name in _MIDDLE if name in match]
    found += _vlan(match)
    found += [f"{_OTHERS[name]}={masked(BY_NAME[name], *match[name])}" for name in _OTHERS if name in match]
    if kind is not None and word is None:
        found.append(f"dl_type=0x{kind:04x}")
    found += [_part(name, match) for name in _AFTER if name in match]
    if "nw_proto" in match and not spelled:
        found.append(_part("nw_proto", match))
    found += [_part(name, match) for name in _LAST if name in match]
    found += _tos(match)
    found += [_part(name, match) for name in (*_NETWORK, *_TRANSPORT) if name in match]
    return found


def _exact(match: Match, name: str) -> int | None:
    return match[name][0] if name in match else None


def _part(name: str, match: Match) -> str:
    return f"{name}={masked(BY_NAME[name], *match[name])}"


def _vlan(match: Match) -> list[str]:
    if "vlan_tci" not in match:
        return []
    value, mask = match["vlan_tci"]
    if mask & 0x1000 and value & 0x1000 and mask & 0xFFF in {0, 0xFFF} and mask & 0xE000 in {0, 0xE000}:
        found = [f"dl_vlan={value & 0xFFF}"] if mask & 0xFFF else []
        found += [f"dl_vlan_pcp={value >> 13}"] if mask & 0xE000 else []
        if found:
            return found
    return [f"vlan_tci=0x{value:04x}" + ("" if mask == 0xFFFF else f"/0x{mask:04x}")]


def _tos(match: Match) -> list[str]:
    if "nw_tos" not in match:
        return []
    value, mask = match["nw_tos"]
    return [f"nw_tos={value & 0xFC}"] * bool(mask & 0xFC) + [f"nw_ecn={value & 3}"] * bool(mask & 3)
