"""The read model: what a node is doing, as plain values that become JSON. Its shape is documented in docs/status.md."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from netmend import __version__
from netmend.intent.names import namespace_name, tap_name
from netmend.intent.network import Network
from netmend.intent.subnet import Subnet
from netmend.intent.subnet6 import Subnet6
from netmend.node.guests.port_answers import answers_by_port
from netmend.node.state import NodeState
from netmend.node.views.network_state import reasons_by_network, state_of
from netmend.reconcile.resync import Reason
from netmend.wiring import bridge_of


def status(node: NodeState) -> dict[str, Any]:
    """Everything but ports and leases, which `network_status` gives."""
    now = time.monotonic()
    reasons = reasons_by_network(node)
    networks = [_network(node, network, reasons, now) for network in node.intent.intent.networks.values()]
    return {
        "node": {
            "version": __version__,
            "pid": os.getpid(),
            "started_at": node.started_at,
            "first_answer_after": node.first_answer_after,
            "passes": node.passes,
            "healthy": node.reconciler.breaker.state is None
            and node.intent.problem is None
            and (node.routed is None or node.routed.problem is None)
            and all(network["state"] == "served" for network in networks),
        },
        "intent": {
            **node.source.status(),
            "loaded_at": node.intent.loaded_at,
            "problem": node.intent.problem,
        },
        "breaker": _breaker(node, now),
        "pinning": _pinning(node, now),
        "mount_faults": [
            {"summary": found.summary, "evidence": list(found.evidence), "cause": found.cause, "mend": found.mend}
            for found in node.mount_faults
        ],
        "leases_problem": node.serving.store_error,
        "routed_metadata": node.routed.status() if node.routed else None,
        "networks": networks,
        "reasons": [_reason(reason, now) for found in reasons.values() for reason in found],
        "in_progress": [
            {"network": network_id, "steps": [str(step) for step in plan.steps]}
            for network_id, plan in list(node.reconciler.in_progress.items())
        ],
    }


def network_status(node: NodeState, network: Network) -> dict[str, Any]:
    """One network with its subnets, ports, leases and counters."""
    now = time.monotonic()
    reasons = reasons_by_network(node)
    leases = node.serving.leases(network.id)
    answered = answers_by_port(leases)
    services = node.serving.status(network.id)
    leasing = services.get("dhcp4")
    return {
        **_network(node, network, reasons, now),
        "namespace": namespace_name(network.id),
        "bridge": bridge_of(network),
        "mtu": network.mtu,
        "subnets": [*map(_subnet, network.subnets), *map(_subnet, network.subnets6)],
        "ports": [
            {
                "id": port.id,
                "name": port.name,
                "mac": port.mac,
                "fixed_ips": [str(ip) for ip in (*port.fixed_ips, *port.fixed_ips6)],
                "device": tap_name(port.id),
                "plug": type(port.plug).__name__.removesuffix("Plug").lower(),
                "declined": answered[port.id].declined if port.id in answered else None,
                "last_answered": answered[port.id].acknowledged if port.id in answered else None,
            }
            for port in network.ports.values()
        ],
        "leases": [
            {
                "address": str(lease.address),
                "mac": lease.mac,
                "port": lease.port_id,
                "state": lease.state,
                "expires": lease.expires,
                "acknowledged": lease.acknowledged,
            }
            for lease in leases
        ],
        "reasons": [_reason(reason, now) for reason in reasons.get(network.id, [])],
        "dhcp": leasing["messages"] if leasing else None,
        "sockets": leasing["sockets"] if leasing else None,
        "services": services,
    }


def _subnet(subnet: Subnet | Subnet6) -> dict[str, Any]:
    shown = {
        "id": subnet.id,
        "name": subnet.name,
        "cidr": str(subnet.cidr),
        "server_address": str(subnet.server_address),
        "gateway": str(subnet.gateway) if subnet.gateway else None,
        "dynamic": subnet.dynamic,
        "lease_time": subnet.lease_time,
    }
    if isinstance(subnet, Subnet6):
        shown |= {"address_mode": subnet.address_mode, "ra_mode": subnet.ra_mode}
    return shown


def find_network(node: NodeState, text: str) -> Network | None:
    """The network with this id or name."""
    networks = node.intent.intent.networks
    return networks.get(text) or next((network for network in networks.values() if network.name == text), None)


def _network(node: NodeState, network: Network, reasons: Mapping[str, Sequence[Reason]], now: float) -> dict[str, Any]:
    served = node.serving.served_since(network)
    return {
        "id": network.id,
        "name": network.name,
        "state": state_of(node, network, has_reasons=network.id in reasons),
        "subnets_count": len(network.subnets) + len(network.subnets6),
        "ports_count": len(network.ports),
        "served_since": served,
    }


def _reason(reason: Reason, now: float) -> dict[str, Any]:
    return {
        "network": reason.network_id,
        "port": reason.port_id,
        "reason": reason.text,
        "for_seconds": round(now - reason.since, 3),
        "failures": reason.failures,
        "next_try_in": round(max(0.0, reason.next_try - now), 3),
    }


def _breaker(node: NodeState, now: float) -> dict[str, Any]:
    state = node.reconciler.breaker.state
    if state is None:
        return {"open": False}
    found = state.diagnosis
    return {
        "open": True,
        "fault": found.summary,
        "evidence": list(found.evidence),
        "cause": found.cause,
        "mend": found.mend,
        "for_seconds": round(now - state.since, 3),
        "failures": state.failures,
        "next_try_in": round(max(0.0, state.next_try - now), 3),
    }


def _pinning(node: NodeState, now: float) -> dict[str, Any]:
    trouble = node.reconciler.pin_trouble
    if trouble is None:
        return {"ok": True}
    return {
        "ok": False,
        "problem": str(trouble.error),
        "meaning": "namespaces are held by descriptor only, and end with this process",
        "for_seconds": round(now - trouble.since, 3),
        "next_try_in": round(max(0.0, trouble.next_try - now), 3),
    }
