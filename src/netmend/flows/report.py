"""What `netmend flows show` and `netmend flows trace` print, as documents and as lines (docs/switch.md)."""

from collections.abc import Iterable, Iterator
from typing import Any

from netmend.flows.interpreter import Step, Trace
from netmend.flows.switch import Bridge, Switch, number_of
from netmend.flows.tables import table_name
from netmend.flows.words import flow_words, ports_of
from netmend.ground.openflow.flow import Flow
from netmend.ground.openflow.switch import BridgePort
from netmend.ground.openflow.text import actions_text, match_text


def flow_document(flow: Flow, bridge: Bridge) -> dict[str, Any]:
    return {
        "table": flow.table,
        "name": table_name(bridge, flow.table),
        "priority": flow.priority,
        "match": match_text(flow.match),
        "actions": actions_text(flow.actions),
        "cookie": f"{flow.cookie:#x}",
        "packets": flow.packets,
        "ports": ports_of(flow, bridge),
        "words": flow_words(flow, bridge),
    }


def port_document(port: BridgePort, bridge: Bridge) -> dict[str, Any]:
    return {
        "name": port.name,
        "number": None if port.number is None else number_of(port, bridge.name),
        "id": port.neutron_id,
        "mac": port.guest_mac,
        "tag": port.tag,
        "kind": port.kind,
        "peer": port.peer,
        "error": port.error,
    }


def show_document(switch: Switch, port: BridgePort | None = None) -> dict[str, Any]:
    """All bridges; with a port, only what is about it."""
    bridges = []
    for bridge in switch.bridges.values():
        flows = [flow for flow in _ordered(bridge.flows) if port is None or port.name in ports_of(flow, bridge)]
        ports = [one for one in bridge.ports if port is None or one == port]
        if flows or ports:
            bridges.append(
                {
                    "name": bridge.name,
                    "role": bridge.role,
                    "datapath": bridge.datapath,
                    "ports": [port_document(one, bridge) for one in ports],
                    "flows": [flow_document(flow, bridge) for flow in flows],
                }
            )
    return {"bridges": bridges}


def _ordered(flows: Iterable[Flow]) -> list[Flow]:
    return sorted(flows, key=lambda flow: (flow.table, -flow.priority))


def show_lines(switch: Switch, port: BridgePort | None = None) -> Iterator[str]:
    """By port: first what is about none or several of them, then what is about one alone."""
    for bridge in switch.bridges.values():
        by_port: dict[str | None, list[Flow]] = {None: [], **{one.name: [] for one in bridge.ports}}
        for flow in _ordered(bridge.flows):
            about = ports_of(flow, bridge)
            for about_one in about:
                by_port[about_one].append(flow)
            if not about:
                by_port[None].append(flow)
        chosen = {name: flows for name, flows in by_port.items() if flows and (port is None or name == port.name)}
        if not chosen and port not in bridge.ports:
            continue
        yield f"{bridge.name}: {bridge.role} bridge, {len(bridge.ports):,} ports, {len(bridge.flows):,} flows"
        known = {one.name: one for one in bridge.ports}
        for one_name, flows in chosen.items():
            yield f"  {_port_line(known[one_name], bridge)}" if one_name is not None else "  every port"
            for flow in flows:
                yield f"    {flow.table:>3} {table_name(bridge, flow.table):<24} {flow.priority:>5}  " + flow_words(
                    flow, bridge
                )


def _port_line(port: BridgePort, bridge: Bridge) -> str:
    parts = [f"port {port.name}"]
    parts += [f"number {port.number}"] if port.number is not None else ["it has no number"]
    parts += [f"VLAN {port.tag}"] if port.tag is not None else []
    parts += [f"{port.neutron_id}"] if port.neutron_id else []
    parts += [f"error: {port.error}"] if port.error else []
    return ", ".join(parts)


def step_words(step: Step, switch: Switch) -> str:
    bridge = switch.bridges[step.bridge]
    table = f"{step.table} {table_name(bridge, step.table)}".strip() if step.table is not None else ""
    match step.kind:
        case "bridge":
            return step.text
        case "miss":
            return f"{table}: no flow matches: dropped"
        case "flow":
            assert step.flow is not None
            return f"{table}: priority {step.flow.priority}, {flow_words(step.flow, bridge)}"
        case "out":
            return f"out through {step.text}"
        case "doubt":
            return f"in doubt: {step.text}"
        case _:
            return step.text


def verdict_words(trace: Trace, switch: Switch) -> str:
    if trace.delivered:
        ways = [name + (f" in VLAN {vlan}" if vlan else "") for name, vlan in trace.delivered]
        return f"It leaves through {', '.join(ways)}."
    last = trace.decided_by
    if last is None:
        return "It is dropped."
    return f"It is dropped in {last.bridge}. {_reason(trace, switch)}"


def _reason(trace: Trace, switch: Switch) -> str:
    """The last flow that chose, and not one that only drops what comes to it."""
    for step in reversed(trace.steps):
        if step.kind in {"flow", "miss"} and not (step.flow is not None and not step.flow.match):
            meaning = _meaning(step, switch)
            return f"Table {step_words(step, switch)}." + (f" That means: {meaning}." if meaning else "")
    return ""


def _meaning(step: Step, switch: Switch) -> str | None:
    """What it means that this flow of Neutron's firewall was the last that a packet met."""
    if switch.bridges[step.bridge].role != "integration":
        return None
    match step.table, step.flow.priority if step.flow is not None else None:
        case 71, 10:
            return "the port may not use these addresses (port security, allowed address pairs)"
        case 71, 70:
            return "a guest may not be a DHCP server, nor advertise routers"
        case 72, 40:
            return "no rule of the port's security groups lets it send this"
        case 82, 40:
            return "no rule of the receiving port's security groups lets it in"
        case ((72 | 82), 50):
            return "it fits no connection, or a rule that allowed its connection is gone"
        case 24, _:
            return "the port may not use this address (ARP and ND spoofing)"
        case 25, _:
            return "the port may not use this MAC"
        case 0, 65535:
            return "it is in the dead VLAN, for ports that were not wired yet"
    return None


def trace_document(
    switch: Switch, port: BridgePort, packet: str, ours: Trace, disagreements: list[str] | None
) -> dict[str, Any]:
    return {
        "port": port.name,
        "packet": packet,
        "verdict": "delivered" if ours.delivered else "dropped",
        "words": verdict_words(ours, switch),
        "delivered": [{"port": name, "vlan": vlan or None} for name, vlan in ours.delivered],
        "steps": [
            {
                "kind": step.kind,
                "bridge": step.bridge,
                "table": step.table,
                "priority": step.flow.priority if step.flow is not None else None,
                "match": match_text(step.flow.match) if step.flow is not None else None,
                "actions": actions_text(step.flow.actions) if step.flow is not None else None,
                "words": step_words(step, switch),
            }
            for step in ours.steps
        ],
        "doubts": ours.doubts,
        "switch": None if disagreements is None else {"agrees": not disagreements, "differences": disagreements},
    }


def trace_lines(switch: Switch, ours: Trace, disagreements: list[str] | None) -> Iterator[str]:
    for step in ours.steps:
        yield "  " * (step.depth + (step.kind != "bridge")) + step_words(step, switch)
    yield verdict_words(ours, switch)
    if disagreements is None:
        return
    if disagreements:
        yield "The switch itself says otherwise: " + "; ".join(disagreements) + "."
    else:
        yield "The switch itself says the same (ofproto/trace)."
