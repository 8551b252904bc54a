"""What a switch does beside what Neutron's server wants of it: packets on both sides of each rule and address, followed
through the flows, and judged by the model of security groups (`netmend.firewall`).

Who is in a remote group, or in an address group, is not known here: where a verdict rests on that, none is asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from netmend.firewall.packet import ICMP, ICMPV6, IPV4, IPV6, SCTP, TCP, UDP
from netmend.firewall.packet import Packet as Asked
from netmend.firewall.security_groups import Permission, PortRules, decide, protocol_of
from netmend.firewall.words import name_of_protocol
from netmend.flows.audit.finding import AGENT, Effect, Finding
from netmend.flows.interpreter import Trace, follow
from netmend.flows.lookup import Packet
from netmend.flows.packet import packet_text
from netmend.flows.switch import Bridge, Switch
from netmend.flows.tables import ACCEPTED_EGRESS, ACCEPTED_EGRESS_NORMAL, RULES_EGRESS, RULES_INGRESS, is_guest
from netmend.flows.words import by_port
from netmend.ground.openflow.flow import Flow
from netmend.ground.openflow.switch import DEAD_VLAN, BridgePort
from netmend.intent.port import Port
from netmend.intent.security_group import Block, Direction, SecurityGroup, SecurityRule

Address = IPv4Address | IPv6Address
_ELSEWHERE: Final[dict[int, Address]] = {  # for documentation: nobody's
    4: IPv4Address("203.0.113.77"),
    6: IPv6Address("2001:db8:ffff::77"),
}
_STRANGER: Final = 0x02005E100002  # a MAC of nobody here: locally administered
_ECHO: Final = {4: (8, 0), 6: (128, 0)}


@dataclass(frozen=True, slots=True)
class _Side:
    """A port with its rules: as if remote groups had no member, and as if everybody was in them."""

    bridge: Bridge
    port: BridgePort
    wanted: Port
    least: PortRules
    most: PortRules
    flows: Sequence[Flow]  # those about the port


@dataclass
class _Wrong:
    """Packets of one direction whose verdict is wrong, one way."""

    first: Asked | None = None
    packet: Packet = field(default_factory=dict)
    count: int = 0


def against_intent(switch: Switch, ports: Mapping[str, Port], groups: Mapping[str, SecurityGroup]) -> Iterator[Finding]:
    """Findings of each port that Neutron's server knows, where it is wired and filtered."""
    for bridge in switch.bridges.values():
        flows = by_port(bridge)
        for port in bridge.ports:
            wanted = ports.get(port.neutron_id or "")
            if wanted is not None and is_guest(port) and port.number and port.tag not in {None, DEAD_VLAN}:
                side = _Side(
                    bridge,
                    port,
                    wanted,
                    _rules(wanted, groups, ()),
                    _rules(wanted, groups, None),
                    flows.get(port.name, ()),
                )
                yield from _of_addresses(switch, side)
                if wanted.port_security:
                    yield from _of_rules(switch, side)


def _rules(port: Port, groups: Mapping[str, SecurityGroup], unknown: tuple[()] | None) -> PortRules:
    found = [groups[each] for each in port.security_groups or () if each in groups]
    permissions = [Permission(group.id, rule, _remotes(rule, unknown)) for group in found for rule in group.rules]
    return PortRules(tuple(permissions), not found or any(group.stateful for group in found))


def _remotes(rule: SecurityRule, unknown: tuple[()] | None) -> frozenset[Block] | None:
    if rule.remote_group_id or rule.remote_address_group_id:
        return None if unknown is None else frozenset()
    return frozenset((rule.remote,)) if rule.remote is not None else None


def _of_addresses(switch: Switch, side: _Side) -> Iterator[Finding]:
    own = [(side.wanted.mac, address) for address in side.wanted.fixed_ips]
    own += [
        (pair.mac, pair.block.network_address)
        for pair in side.wanted.allowed_address_pairs
        if isinstance(pair.block.network_address, IPv4Address)
    ]
    for mac, address in own:
        packet = _arp(side, mac, address)
        if not _is_sent(follow(switch, side.bridge.name, packet)):
            yield _finding(side, "address", "blocked", f"it may not use its own address {address} from {mac}", packet)
    packet = _arp(side, side.wanted.mac, IPv4Address("203.0.113.78"))
    sent = _is_sent(follow(switch, side.bridge.name, packet))
    if sent and side.wanted.port_security and not _covers(side.wanted, IPv4Address("203.0.113.78")):
        yield _finding(side, "address", "leak", "it may use addresses that are not its own", packet)
    elif not sent and not side.wanted.port_security:
        yield _finding(side, "address", "blocked", "it has no port security, and may not use any address", packet)


def _covers(port: Port, address: IPv4Address) -> bool:
    return any(address in pair.block for pair in port.allowed_address_pairs)


def _arp(side: _Side, mac: str, address: Address) -> Packet:
    sender = int(mac.replace(":", ""), 16)
    return {
        **{"in_port": side.port.number or 0, "eth_src": sender, "eth_dst": 0xFFFFFFFFFFFF, "eth_type": 0x0806},
        **{"arp_op": 1, "arp_spa": int(address), "arp_sha": sender},
    }


def _is_sent(trace: Trace) -> bool:
    """Whether what a port sent was let go, though it may reach nobody."""
    accepted = {ACCEPTED_EGRESS, ACCEPTED_EGRESS_NORMAL}
    return bool(trace.delivered) or any(step.kind == "flow" and step.table in accepted for step in trace.steps)


def _of_rules(switch: Switch, side: _Side) -> Iterator[Finding]:
    for direction in ("egress", "ingress"):
        wrong: dict[Effect, _Wrong] = {"leak": _Wrong(), "blocked": _Wrong()}
        for asked in _questions(side, direction):
            packet = _packet(side, direction, asked)
            expected = decide(side.least, direction, asked, "new").passes
            if packet is None or expected != decide(side.most, direction, asked, "new").passes:
                continue
            trace = follow(switch, side.bridge.name, packet)
            passes = _is_sent(trace) if direction == "egress" else side.port.name in dict(trace.delivered)
            if passes != expected:
                one = wrong["leak" if passes else "blocked"]
                one.count += 1
                if one.first is None:
                    one.first, one.packet = asked, packet
        for effect, one in wrong.items():
            if one.first is not None:
                yield _of_wrong(side, direction, effect, one)


def _of_wrong(side: _Side, direction: Direction, effect: Effect, one: _Wrong) -> Finding:
    assert one.first is not None
    verb = "send" if direction == "egress" else "be sent"
    may, why = ("may", "which no rule allows") if effect == "leak" else ("may not", "which a rule allows")
    more = f" ({one.count - 1} more such packets of those that were tried)" if one.count > 1 else ""
    return _finding(side, "rules", effect, f"it {may} {verb} {_words(direction, one.first)}, {why}{more}", one.packet)


def _words(direction: Direction, asked: Asked) -> str:
    name = name_of_protocol(asked.protocol or 0)
    what = f" to port {asked.ports[1]}" if asked.ports else f" of type {asked.icmp[0]}" if asked.icmp else ""
    far = f" to {asked.destination}" if direction == "egress" else f" from {asked.source}"
    return name + what + far


def _questions(side: _Side, direction: Direction) -> Iterator[Asked]:
    """Packets on both sides of each rule, and of what the flows let through, and some that few rules are about; each
    once."""
    found: dict[Asked, None] = {}
    for version, own in ((4, side.wanted.fixed_ips), (6, side.wanted.fixed_ips6)):
        if not own:
            continue
        rules = [each.rule for each in side.least.permissions if each.rule.direction == direction]
        mine = [rule for rule in rules if rule.version == version]
        fars: list[Address] = [_ELSEWHERE[version]]
        fars += [_inside(rule.remote) for rule in mine if rule.remote]
        for far in dict.fromkeys(fars):
            for kind in [*_kinds(mine, version), *_kinds_of_flows(side, direction, version), *_usual(version)]:
                ends = (far, own[0]) if direction == "ingress" else (own[0], far)
                protocol, ports, icmp = kind
                found[Asked(IPV4 if version == 4 else IPV6, *ends, protocol, ports, icmp)] = None
    yield from found


def _inside(block: Block) -> Address:
    """An address of the block, not the first where there are others: that is the network's own."""
    step = 1 if block.num_addresses > 1 else 0
    return block.network_address + step


_Kind = tuple[int, tuple[int, int] | None, tuple[int, int] | None]


def _usual(version: int) -> list[_Kind]:
    return [(TCP, (40000, 22), None), (UDP, (40000, 9), None), (ICMP if version == 4 else ICMPV6, None, _ECHO[version])]


def _kinds(rules: Sequence[SecurityRule], version: int) -> Iterator[_Kind]:
    for rule in rules:
        protocol, ports = protocol_of(rule), rule.ports
        if protocol in {ICMP, ICMPV6}:
            yield protocol, None, (ports[0], ports[1] or 0) if ports else _ECHO[version]
        elif protocol in {TCP, UDP, SCTP} and ports is not None:
            first, last = ports[0], ports[1] if ports[1] is not None else ports[0]
            yield from ((protocol, (40000, at), None) for at in (first - 1, first, last, last + 1) if 0 < at < 65536)
        elif protocol in {TCP, UDP, SCTP}:
            yield protocol, (40000, 443), None


def _kinds_of_flows(side: _Side, direction: Direction, version: int) -> Iterator[_Kind]:
    """What the flows of Neutron's firewall have rules about: a rule that is gone in intent may be there still."""
    table = RULES_EGRESS if direction == "egress" else RULES_INGRESS
    ether_type = IPV4 if version == 4 else IPV6
    for flow in side.flows:
        match = flow.match
        of_port = flow.table == table and match.get("reg5", (None,))[0] == side.port.number
        if of_port and match.get("eth_type", (None,))[0] == ether_type and "nw_proto" in match:
            protocol = match["nw_proto"][0]
            if protocol in {ICMP, ICMPV6}:
                kind, code = (match.get(name, (None,))[0] for name in ("icmp_type", "icmp_code"))
                yield protocol, None, (_ECHO[version] if kind is None else (kind, code or 0))
            elif protocol in {TCP, UDP, SCTP}:
                first, mask = match.get("tp_dst", (443, 0xFFFF))
                yield protocol, (40000, first), None
                yield protocol, (40000, first | ~mask & 0xFFFF), None


def _packet(side: _Side, direction: Direction, asked: Asked) -> Packet | None:
    """The packet as it comes into the bridge; None where it could come from nowhere."""
    own = int(side.wanted.mac.replace(":", ""), 16)
    assert asked.source is not None and asked.destination is not None
    source, target = ("nw_src", "nw_dst") if asked.version == 4 else ("ipv6_src", "ipv6_dst")
    made: Packet = {"eth_type": asked.ether_type, "nw_proto": asked.protocol or 0, "nw_ttl": 64}
    made |= {source: int(asked.source), target: int(asked.destination)}
    if asked.ports is not None:
        made |= {"tp_src": asked.ports[0], "tp_dst": asked.ports[1]}
    if asked.icmp is not None:
        made |= {"icmp_type": asked.icmp[0], "icmp_code": asked.icmp[1]}
    if direction == "egress":
        return {**made, "in_port": side.port.number or 0, "eth_src": own, "eth_dst": _STRANGER}
    patch = next((port for port in side.bridge.ports if port.kind == "patch" and _is_open(port, side.bridge)), None)
    if patch is None:
        return None
    tag = 0x1000 | (side.port.tag or 0)
    return {**made, "in_port": patch.number or 0, "vlan_tci": tag, "eth_src": _STRANGER, "eth_dst": own}


def _is_open(port: BridgePort, bridge: Bridge) -> bool:
    """Whether what comes from a patch port is let on: of a provider's bridge, only frames of its VLANs are."""
    own = [flow for flow in bridge.flows if flow.table == 0 and flow.match.get("in_port", (None,))[0] == port.number]
    return all(flow.actions for flow in own)


def _finding(side: _Side, check: str, effect: Effect, problem: str, packet: Packet) -> Finding:
    port = side.bridge.by_number[packet["in_port"]]
    shown = packet_text({name: value for name, value in packet.items() if name != "in_port"})
    evidence = f"netmend flows trace {port.name} {shown}"
    return Finding(check, effect, side.bridge.name, side.port.name, problem, evidence, AGENT, side.wanted.id)
