"""A flow in words: which packets, and what becomes of them. Ports go by name."""

from collections.abc import Iterator, Mapping
from typing import Final

from netmend.flows.switch import Bridge
from netmend.flows.tables import table_name
from netmend.ground.openflow.action_text import action_text
from netmend.ground.openflow.actions import (
    NORMAL,
    Action,
    Conjunction,
    Ct,
    GotoTable,
    Learn,
    Load,
    Output,
    PushVlan,
    Resubmit,
    SetField,
    Simple,
)
from netmend.ground.openflow.fields import BY_NAME, ETH_IPV6
from netmend.ground.openflow.flow import Flow, Match
from netmend.ground.openflow.spell import masked, port
from netmend.ground.openflow.text import match_parts

_KINDS: Final = {
    **{"ip": "IPv4", "ipv6": "IPv6", "arp": "ARP", "rarp": "RARP", "tcp": "TCP", "udp": "UDP", "icmp": "ICMP"},
    **{"tcp6": "TCP over IPv6", "udp6": "UDP over IPv6", "icmp6": "ICMPv6", "sctp": "SCTP", "sctp6": "SCTP over IPv6"},
}
_CONNECTIONS: Final = {  # values and masks of ct_state that Neutron's firewall has
    (0x01, 0x03): "that begins a connection",
    (0x02, 0x0E): "of a connection, as it began",
    (0x0A, 0x0E): "of a connection, an answer",
    (0x04, 0x17): "related to a connection",
    (0x30, 0x30): "that fits no connection",
    (0x20, 0x20): "that was tracked",
    (0x00, 0x20): "that was not tracked",
    (0x00, 0x02): "of no established connection",
    (0x02, 0x02): "of an established connection",
}
_ICMPV6: Final = {130: "multicast query", 133: "router solicitation", 134: "router advertisement"}
_NEIGHBOURS: Final = {135: "neighbour solicitation", 136: "neighbour advertisement"}
_REGISTER_OF_PORTS, _REGISTER_OF_NETWORKS = "reg5", "reg6"
_PLACES: Final = {  # fields with a phrase of their own
    "eth_src": "from MAC {}", "eth_dst": "to MAC {}", "nw_src": "from {}", "ipv6_src": "from {}", "nw_dst": "to {}",
    "ipv6_dst": "to {}", "arp_spa": "of {}", "arp_tpa": "for {}", "nd_target": "about {}", "tun_id": "of tunnel id {}",
}  # fmt: skip
_SAID_ELSEWHERE: Final = frozenset(
    (*_PLACES, "in_port", "reg5", "reg6", "vlan_tci", "ct_state", "ct_mark", "ct_zone", "conj_id", "tp_src", "tp_dst")
) | {"icmp_type", "eth_type", "nw_proto"}


def flow_words(flow: Flow, bridge: Bridge) -> str:
    """Such as `TCP to port 80, that begins a connection: delivered to vm1`."""
    return f"{', '.join(_conditions(flow, bridge))}: {', '.join(_effects(flow, bridge)) or 'dropped'}"


def _conditions(flow: Flow, bridge: Bridge) -> Iterator[str]:
    match = flow.match
    kind = next((_KINDS[part] for part in match_parts(match) if part in _KINDS), None)
    said = [kind or "anything"]
    if "eth_type" in match and kind is None:
        said = [f"frames of type {match['eth_type'][0]:#06x}"]
    if (icmp := match.get("icmp_type")) is not None:
        said.append(_icmp(match, icmp[0]))
    if "in_port" in match:
        said.append(f"from port {_port(bridge, match['in_port'][0])}")
    said += [
        phrase.format(masked(BY_NAME[name], *match[name]) if name != "tun_id" else match[name][0])
        for name, phrase in _PLACES.items()
        if name in match and not (name.startswith("eth_") and _group_bit(match, name))
    ]
    said += [
        f"to {'one host' if match[name][0] == 0 else 'many hosts'}"
        for name in ("eth_dst",)
        if name in match and _group_bit(match, name)
    ]
    said += [
        f"{way} port {_range(*match[name])}" for name, way in (("tp_src", "from"), ("tp_dst", "to")) if name in match
    ]
    yield " ".join(said)
    if "vlan_tci" in match:
        value, mask = match["vlan_tci"]
        yield f"in VLAN {value & 0xFFF}" if value & mask & 0x1000 else "untagged"
    if _REGISTER_OF_NETWORKS in match:
        yield f"in local VLAN {match[_REGISTER_OF_NETWORKS][0]}"
    if "ct_state" in match:
        yield _CONNECTIONS.get(match["ct_state"], f"ct_state {masked(BY_NAME['ct_state'], *match['ct_state'])}")
    if match.get("ct_mark", (0, 0))[0]:
        yield "of a connection that is no longer allowed"
    if "conj_id" in match:
        yield f"that meets all conditions of conjunction {match['conj_id'][0]}"
    rest = {name: value for name, value in match.items() if name not in _SAID_ELSEWHERE}
    yield from match_parts(rest)
    yield from (f"a field that is not known ({number})" for number in flow.unread)


def _group_bit(match: Match, name: str) -> bool:
    return match[name][1] == 1 << 40


def _icmp(match: Match, kind: int) -> str:
    names: Mapping[int, str] = _ICMPV6 | _NEIGHBOURS if match.get("eth_type", (0, 0))[0] == ETH_IPV6 else {}
    return names.get(kind, f"type {kind}")


def _range(value: int, mask: int) -> str:
    last = value | ~mask & 0xFFFF
    return str(value) if last == value else f"{value} to {last}"


def _port(bridge: Bridge, number: int) -> str:
    found = bridge.by_number.get(number)
    return found.name if found is not None else f"{port(number)}, which is not there"


def _effects(flow: Flow, bridge: Bridge) -> Iterator[str]:
    for action in flow.actions:
        match action:
            case Output(number) if number == NORMAL:
                yield "switched by MAC and VLAN"
            case Output(number):
                yield f"out through {_port(bridge, number)}"
            case Resubmit(table, None) if table is not None:
                yield _onward(bridge, table)
            case GotoTable(table):
                yield _onward(bridge, table)
            case Ct():
                yield from _tracked(action, bridge)
            case Conjunction(number, clause, clauses):
                yield f"meets condition {clause + 1} of {clauses} of conjunction {number}"
            case SetField(named, value, _) if named.name == "vlan_vid":
                yield f"put into VLAN {value & 0xFFF}"
            case SetField() | Load() | Simple("ct_clear") | PushVlan():
                if (words := _registers(action, bridge)) is not None:
                    yield words
            case Simple("pop_vlan"):
                yield "its VLAN tag taken off"
            case Learn():
                yield f"where it came from is learned for table {action.table}"
            case _:
                yield action_text(action)


def _registers(action: Action, bridge: Bridge) -> str | None:
    match action:
        case SetField(field, value, _):
            named = field.name
        case Load(value, span):
            named = span.field.name
        case _:
            return None
    if bridge.role == "integration" and named == _REGISTER_OF_PORTS:
        return f"taken for port {_port(bridge, value)}"
    if bridge.role == "integration" and named in {_REGISTER_OF_NETWORKS, "reg7"}:
        return None
    return f"into tunnel id {value}" if named == "tun_id" else action_text(action)


def _onward(bridge: Bridge, table: int) -> str:
    name = table_name(bridge, table)
    if bridge.role == "integration" and table in {91, 93, 94}:
        return name
    return f"on in table {table}" + (f" ({name})" if name else "")


def _tracked(action: Ct, bridge: Bridge) -> Iterator[str]:
    if action.commit and any(isinstance(inner, SetField | Load) for inner in action.actions):
        yield "its connection is marked as no longer allowed"
    elif action.commit:
        yield "its connection is kept"
    if action.table is not None:
        yield f"tracked, {_onward(bridge, action.table)}"


def ports_of(flow: Flow, bridge: Bridge) -> list[str]:
    """The ports that a flow is about: by number, register or address; none: it is about all."""
    numbers = [flow.match[name][0] for name in ("in_port", _REGISTER_OF_PORTS) if name in flow.match]
    for action in flow.actions:
        match action:
            case Output(number):
                numbers.append(number)
            case SetField(field, value, _) if field.name == _REGISTER_OF_PORTS:
                numbers.append(value)
            case Load(value, span) if span.field.name == _REGISTER_OF_PORTS:
                numbers.append(value)
            case _:
                continue
    names = dict.fromkeys(bridge.by_number[number].name for number in numbers if number in bridge.by_number)
    return list(names)


def by_port(bridge: Bridge) -> dict[str, list[Flow]]:
    """The flows that are about each port, by its name."""
    found: dict[str, list[Flow]] = {}
    for flow in bridge.flows:
        for name in ports_of(flow, bridge):
            found.setdefault(name, []).append(flow)
    return found
