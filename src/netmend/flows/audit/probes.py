"""Packets that must not pass, followed through the flows of every guest's port."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final

from netmend.flows.audit.finding import AGENT, Finding
from netmend.flows.audit.ports import filtered
from netmend.flows.interpreter import Trace, follow
from netmend.flows.lookup import Packet
from netmend.flows.packet import packet_text, parse_packet
from netmend.flows.switch import Bridge, Switch
from netmend.flows.tables import is_guest
from netmend.ground.openflow.switch import DEAD_VLAN, BridgePort

_OTHERS_MAC: Final = "02:00:5e:10:00:01"  # of no guest: locally administered
_BROADCAST: Final = "dl_dst=ff:ff:ff:ff:ff:ff"
_NOBODYS: Final = "192.0.2.1"  # for documentation
_ALL_NODES: Final = "dl_dst=33:33:00:00:00:01"
# What a port with port security must not send, for every MAC of its own too.
_FORBIDDEN: Final = (
    ("ARP from a MAC that is not its own", f"arp,dl_src={_OTHERS_MAC},{_BROADCAST},arp_op=1"),
    ("IPv4 from a MAC that is not its own", f"udp,dl_src={_OTHERS_MAC},{_BROADCAST},nw_ttl=64,tp_src=9,tp_dst=9"),
    ("answers of a DHCP server", f"udp,{_BROADCAST},nw_src=192.0.2.1,nw_ttl=64,tp_src=67,tp_dst=68"),
    ("router advertisements", f"icmp6,{_ALL_NODES},ipv6_src=fe80::1,ipv6_dst=ff02::1,nw_ttl=255,icmp_type=134"),
)


def of_probes(switch: Switch) -> Iterator[Finding]:
    for bridge in switch.bridges.values():
        checked, senders = filtered(bridge), _senders(bridge)
        for port in bridge.ports:
            if is_guest(port) and port.number is not None and port.tag not in {None, DEAD_VLAN}:
                if port.name in checked:
                    yield from _forbidden(switch, bridge, port)
                yield from _strangers(switch, bridge, port, senders.get(port.number, [_NOBODYS]))


def _forbidden(switch: Switch, bridge: Bridge, port: BridgePort) -> Iterator[Finding]:
    for what, text in _FORBIDDEN:
        packet = _from(port, text)
        trace = follow(switch, bridge.name, packet)
        if trace.delivered:
            yield _finding("spoofing", port, bridge, f"it may send {what}, which reach {_names(trace)}", packet)


def _strangers(switch: Switch, bridge: Bridge, port: BridgePort, senders: list[str]) -> Iterator[Finding]:
    """A broadcast of the guest's own reaches ports of its own network alone."""
    network = port.other.get("net_uuid")
    if network is None:
        return
    for sender in senders:
        packet = _from(port, f"arp,{_BROADCAST},arp_op=1,arp_spa={sender}")
        trace = follow(switch, bridge.name, packet)
        strangers = [name for name, _ in trace.delivered if _network(switch, name) not in {None, network}]
        if strangers:
            yield _finding(
                "strangers", port, bridge,
                f"its broadcasts reach ports of other networks: {', '.join(sorted(set(strangers)))}", packet,
            )  # fmt: skip
            return


def _senders(bridge: Bridge) -> dict[int, list[str]]:
    """Addresses that flows let each port use in ARP, by its number."""
    found: dict[int, list[str]] = {}
    for flow in bridge.flows:
        if "arp_spa" in flow.match and "in_port" in flow.match:
            address = str(IPv4Address(flow.match["arp_spa"][0]))
            found.setdefault(flow.match["in_port"][0], []).append(address)
    return found


def _network(switch: Switch, name: str) -> str | None:
    bridge, number = switch.place_of[name]
    port = bridge.by_number[number]
    return port.other.get("net_uuid") if is_guest(port) else None


def _from(port: BridgePort, text: str) -> Packet:
    packet = parse_packet(text) | {"in_port": port.number or 0}
    if port.guest_mac is not None:
        packet.setdefault("eth_src", int(port.guest_mac.replace(":", ""), 16))
    return packet


def _finding(check: str, port: BridgePort, bridge: Bridge, problem: str, packet: Packet) -> Finding:
    shown = packet_text({name: value for name, value in packet.items() if name != "in_port"})
    evidence = f"netmend flows trace {port.name} {shown}"
    return Finding(check, "leak", bridge.name, port.name, problem, evidence, AGENT, port.neutron_id)


def _names(trace: Trace) -> str:
    return ", ".join(sorted({name for name, _ in trace.delivered}))
