"""Whether one guest can reach another, and which rule says so: the way by intent, and the rules at both ends."""

from typing import Any, Final

from netmend.firewall.packet import ICMP, ICMPV6, IPV4, IPV6, WITH_PORTS
from netmend.firewall.packet import Packet as Seen
from netmend.firewall.security_groups import Decision, decide, is_filtered, port_rules
from netmend.firewall.words import words_of_rule
from netmend.intent.network import Intent
from netmend.intent.port import Port
from netmend.intent.security_group import Direction
from netmend.node.views.reach_question import Guest, Question
from netmend.routing.path import Packet, Stop, Way, answer_of, routers_with, source_of, way_from_world, way_of_guest

_ANY_PORT: Final = 49_152  # of a client: RFC 6335 section 6
_ECHO: Final = {ICMP: (8, 0), ICMPV6: (128, 0)}  # type and code: RFC 792, RFC 4443
_ECHO_REPLY: Final = {ICMP: (0, 0), ICMPV6: (129, 0)}
_Verdicts = list[dict[str, Any]]


def reach(intent: Intent, question: Question) -> dict[str, Any]:
    """The answer, as docs/status.md has it."""
    start, verdicts = question.start, _Verdicts()
    source = source_of(start.network, start.port, question.end) if isinstance(start, Guest) else start
    if source is None or source.version != question.end.version:
        return _answer(question, (), verdicts, f"{question.name} has no fixed IP of IPv{question.end.version}")
    packet = Packet(source, question.end, question.protocol, question.port)
    if isinstance(start, Guest):
        way = way_of_guest(intent, start.network, start.port, packet)
        why = _judge(intent, start.port, "egress", packet, verdicts) or way.why
    else:
        router = next(routers_with(intent, question.end), None)
        if router is None:
            return _answer(question, (), verdicts, f"no router takes what comes from outside for {question.end}")
        way = way_from_world(intent, router, packet)
        why = way.why
    if why is None and way.port is not None:
        why = _judge(intent, way.port, "ingress", way.packet, verdicts)
    return _answer(question, way.stops, verdicts, why or _why_unanswered(intent, start, packet, way))


def _judge(intent: Intent, port: Port, direction: Direction, packet: Packet, verdicts: _Verdicts) -> str | None:
    """Note what the security groups of a port say of a first packet; returns why it does not pass, if so."""
    found: dict[str, Any] = {"port": port.id, "name": port.name, "direction": direction}
    if not is_filtered(port):
        verdicts.append({**found, "passes": True, "says": "the port has no security groups in force", "group": None})
        return None
    decision = decide(port_rules(port, intent), direction, _first(packet), "new")
    group_id = decision.permission.group_id if decision.permission else None
    says = _words(intent, decision)
    group = name_of_group(intent, group_id) if group_id else None
    verdicts.append({**found, "passes": decision.passes, "says": says, "group": group})
    return None if decision.passes else f"{direction} at {port.name}: {says}"


def _why_unanswered(intent: Intent, start: Guest | object, sent: Packet, way: Way) -> str | None:
    """Why the answer of a guest does not come back; None where it does, or where it is not a guest that answers."""
    back = answer_of(intent, way)
    if back is None or way.port is None:
        return None
    if back.why is not None:
        return f"it arrives, but the answer finds no way back: {back.why}"
    ends: list[tuple[Port, Direction, Packet]] = [(way.port, "egress", way.packet)]
    if isinstance(start, Guest):
        ends.append((start.port, "ingress", sent))
    for port, direction, packet in ends:
        if is_filtered(port):
            decision = decide(port_rules(port, intent), direction, _reply(packet), "established")
            if not decision.passes:
                return f"it arrives, but the answer does not pass at {port.name}: {_words(intent, decision)}"
    return None


def _first(packet: Packet) -> Seen:
    """The packet as rules see it; of ICMP it is an echo request."""
    ports = (_ANY_PORT, packet.port) if packet.protocol in WITH_PORTS and packet.port is not None else None
    kind = IPV4 if packet.source.version == 4 else IPV6
    return Seen(kind, packet.source, packet.destination, packet.protocol, ports, _ECHO.get(packet.protocol or 0))


def _reply(packet: Packet) -> Seen:
    """What is answered to the packet, as rules see it."""
    first = _first(packet)
    ports = (first.ports[1], first.ports[0]) if first.ports else None
    icmp = _ECHO_REPLY.get(packet.protocol or 0)
    return Seen(first.ether_type, packet.destination, packet.source, packet.protocol, ports, icmp)


def _words(intent: Intent, decision: Decision) -> str:
    match decision.why:
        case "rule" if decision.permission:
            return words_of_rule(decision.permission.rule, lambda group_id: name_of_group(intent, group_id))
        case "needed" if decision.need:
            return f"{decision.need.words} always passes"
        case "no rule":
            return "no rule of its security groups lets it pass"
        case why:
            return f"it is dropped: {why}"


def name_of_group(intent: Intent, group_id: str) -> str:
    """The name of a security group or an address group; its id where intent has no name of it."""
    found = intent.security_groups.get(group_id) or intent.address_groups.get(group_id)
    return (found.name or group_id) if found else group_id


def _answer(question: Question, stops: tuple[Stop, ...], verdicts: _Verdicts, why: str | None) -> dict[str, Any]:
    verb = "reaches" if why is None else "does not reach"
    return {
        "reaches": why is None,
        "sentence": f"{question.name} {verb} {question}" + (f": {why}" if why else ""),
        "why": why,
        "stops": [{"kind": stop.kind, "id": stop.id, "name": stop.name, "text": stop.text} for stop in stops],
        "verdicts": verdicts,
    }
