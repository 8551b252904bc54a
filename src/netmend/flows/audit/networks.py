"""Local VLANs: each stands for one network, and what comes by tunnel for the network is put into it, and into no other.
What a VLAN stands for, Neutron's agent writes to `other_config` of each port."""

from collections import defaultdict
from collections.abc import Iterator

from netmend.flows.audit.finding import AGENT, Finding
from netmend.flows.switch import Bridge, Switch
from netmend.flows.tables import TUNNEL_TABLES, is_guest
from netmend.ground.openflow.actions import SetField
from netmend.ground.openflow.flow import Flow
from netmend.ground.openflow.switch import DEAD_VLAN, BridgePort


def of_networks(switch: Switch) -> Iterator[Finding]:
    for bridge in switch.bridges.values():
        by_vlan: defaultdict[int, list[BridgePort]] = defaultdict(list)
        for port in bridge.ports:
            if is_guest(port) and port.tag is not None and port.tag != DEAD_VLAN and "net_uuid" in port.other:
                by_vlan[port.tag].append(port)
        for vlan, ports in by_vlan.items():
            yield from _shared(vlan, ports, bridge)
        yield from _split(by_vlan, bridge)
        yield from _from_tunnels(by_vlan, switch)


def _shared(vlan: int, ports: list[BridgePort], bridge: Bridge) -> Iterator[Finding]:
    networks = {port.other["net_uuid"]: port.name for port in ports}
    if len(networks) > 1:
        yield Finding(
            "shared-vlan", "leak", bridge.name, None,
            f"local VLAN {vlan} is that of {len(networks)} networks, which hear each other",
            "; ".join(f"{name}: net_uuid {network}" for network, name in sorted(networks.items())),
            AGENT,
        )  # fmt: skip


def _split(by_vlan: dict[int, list[BridgePort]], bridge: Bridge) -> Iterator[Finding]:
    vlans: defaultdict[str, set[int]] = defaultdict(set)
    for vlan, ports in by_vlan.items():
        for port in ports:
            vlans[port.other["net_uuid"]].add(vlan)
    for network, numbers in vlans.items():
        if len(numbers) > 1:
            yield Finding(
                "split-network", "blocked", bridge.name, None,
                f"network {network} is in several local VLANs, whose guests do not hear each other",
                f"table Port, tags {', '.join(map(str, sorted(numbers)))}",
                AGENT,
            )  # fmt: skip


def _from_tunnels(by_vlan: dict[int, list[BridgePort]], switch: Switch) -> Iterator[Finding]:
    tunnels = [bridge for bridge in switch.bridges.values() if bridge.role == "tunnel"]
    for vlan, ports in by_vlan.items():
        kinds = {(port.other.get("network_type", ""), port.other.get("segmentation_id", "")) for port in ports}
        for kind, segment in kinds:
            if kind in TUNNEL_TABLES and segment.isdecimal():
                for bridge in tunnels:
                    yield from _from_tunnel(bridge, TUNNEL_TABLES[kind], int(segment), vlan, ports[0])


def _from_tunnel(bridge: Bridge, table: int, segment: int, vlan: int, port: BridgePort) -> Iterator[Finding]:
    into = {
        found
        for flow in bridge.flows
        if flow.table == table and flow.match.get("tun_id", (None,))[0] == segment
        for found in _vlans_set(flow)
    }
    network = port.other["net_uuid"]
    if not into:
        yield Finding(
            "tunnel-in", "blocked", bridge.name, None,
            f"what other hosts send to network {network} is dropped: its tunnel id {segment} leads nowhere",
            f"table {table} has no flow for tun_id {segment}",
            AGENT,
        )  # fmt: skip
    elif into != {vlan}:
        yield Finding(
            "tunnel-in", "leak", bridge.name, None,
            f"what other hosts send to network {network} is put into local VLAN {', '.join(map(str, sorted(into)))}, "
            f"and its guests are in {vlan}",
            f"table {table}, tun_id {segment}; tag of {port.name}",
            AGENT,
        )  # fmt: skip


def _vlans_set(flow: Flow) -> Iterator[int]:
    for action in flow.actions:
        if isinstance(action, SetField) and action.field.name in {"vlan_vid", "vlan_tci"}:
            yield action.value & 0xFFF
