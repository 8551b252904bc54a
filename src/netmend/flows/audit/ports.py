"""Ports of guests, each by itself: its device, its VLAN, and whether a firewall that the bridge has covers it."""

from collections.abc import Iterator

from netmend.flows.audit.finding import AGENT, Effect, Finding
from netmend.flows.switch import Bridge, Switch
from netmend.flows.tables import BASE_EGRESS, BASE_INGRESS, FIREWALL, TRANSIENT, is_guest
from netmend.flows.words import by_port, ports_of
from netmend.ground.openflow.flow import Flow
from netmend.ground.openflow.switch import DEAD_VLAN, BridgePort


def of_ports(switch: Switch) -> Iterator[Finding]:
    for bridge in switch.bridges.values():
        flows = by_port(bridge)
        covered = has_firewall(bridge)
        for port in bridge.ports:
            if is_guest(port):
                yield from _of_one(port, bridge, flows.get(port.name, []) if covered else None)


def _of_one(port: BridgePort, bridge: Bridge, flows: list[Flow] | None) -> Iterator[Finding]:
    """`flows` are those about the port; None: no port of the bridge has a firewall."""
    if port.number is None or port.error:
        why = port.error or "ovs-vswitchd gave it no number"
        yield _finding(
            "device", "blocked", port, bridge,
            problem="its device is not there, so no packet passes",
            evidence=f"table Interface, error: {why}",
            mend=f"start the guest, or remove the port: ovs-vsctl del-port {bridge.name} {port.name}",
        )  # fmt: skip
        return
    if port.tag is None and port.vlan_mode is None and not port.trunks:
        yield _finding(
            "no-vlan", "leak", port, bridge,
            problem="it is in no VLAN, so it is a trunk: it gets frames of all networks here, and sends into any",
            evidence="table Port, tag: none",
            mend=AGENT,
        )  # fmt: skip
        return
    if port.tag == DEAD_VLAN:
        yield _finding(
            "dead-vlan", "blocked", port, bridge,
            problem="it is in the dead VLAN, so no packet passes",
            evidence=f"table Port, tag: {DEAD_VLAN}",
            mend="bind the port to this host (openstack port set --host); the agent's log says why it is not wired",
        )  # fmt: skip
        return
    if flows is not None:
        yield from _of_firewall(port, bridge, flows)


def has_firewall(bridge: Bridge) -> bool:
    """Whether Neutron's firewall for Open vSwitch is at work on a bridge: some port has flows in its tables."""
    return any(flow.table in FIREWALL and "reg5" in flow.match for flow in bridge.flows)


def filtered(bridge: Bridge) -> set[str]:
    """The names of ports whose packets go through the firewall's checks of addresses."""
    return {name for flow in bridge.flows if flow.table == BASE_EGRESS for name in ports_of(flow, bridge)}


def _of_firewall(port: BridgePort, bridge: Bridge, flows: list[Flow]) -> Iterator[Finding]:
    tables = {flow.table for flow in flows}
    sends = any(flow.table == TRANSIENT and flow.match.get("in_port", (None,))[0] == port.number for flow in flows)
    if not sends:
        yield _finding(
            "unfiltered", "leak", port, bridge,
            problem="the firewall does not know it: what it sends is checked for neither address nor rule",
            evidence=f"table {TRANSIENT} has no flow for what comes from it",
            mend=AGENT,
        )  # fmt: skip
    elif BASE_EGRESS in tables and BASE_INGRESS not in tables:
        yield _finding(
            "half-filtered", "blocked", port, bridge,
            problem="the firewall lets nothing in: its part for what the port receives is not there",
            evidence=f"table {BASE_INGRESS} has no flow for it",
            mend=AGENT,
        )  # fmt: skip


def _finding(
    check: str, effect: Effect, port: BridgePort, bridge: Bridge, *, problem: str, evidence: str, mend: str
) -> Finding:
    return Finding(check, effect, bridge.name, port.name, problem, evidence, mend, port.neutron_id)
