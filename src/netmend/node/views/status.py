"""What `netmend status` shows of a node, as plain values that become JSON (docs/status.md)."""

import os
from typing import Any

from netmend import __version__
from netmend.intent.names import namespace_name
from netmend.intent.network import Network
from netmend.node.log_writer import lines_lost
from netmend.node.state import NodeState
from netmend.node.views.routers import router_json
from netmend.node.views.shapes import (
    Spans,
    answers_by_port,
    breaker_json,
    is_healthy,
    lease_json,
    network_json,
    port_json,
    progress_json,
    reason_json,
    reasons_by_network,
    subnets_json,
)
from netmend.wiring import bridge_of


def status(node: NodeState) -> dict[str, Any]:
    """Everything but ports and leases, which `network_status` gives."""
    spans = Spans()
    reasons = reasons_by_network(node)
    networks = [
        network_json(node, network, has_reasons=network.id in reasons)
        for network in node.intent.intent.networks.values()
    ]
    routers = [router_json(node, router, reasons) for router in node.intent.intent.routers.values()]
    breaker = node.reconciler.breaker.state
    return {
        "node": {
            "version": __version__,
            "pid": os.getpid(),
            "started_at": node.started_at,
            "first_answer_after": node.first_answer_after,
            "passes": node.passes,
            "log_lines_lost": lines_lost(),
            "healthy": is_healthy(node, (found["state"] for found in (*networks, *routers))),
        },
        "intent": {
            **node.source.status(),
            "loaded_at": node.intent.loaded_at,
            "problem": node.intent.problem,
        },
        "breaker": {"open": False}
        if breaker is None
        else {"open": True, "fault": breaker.diagnosis.summary, **breaker_json(node, breaker, spans)},
        "pinning": _pinning(node, spans),
        "mount_faults": [fault.as_json() for fault in node.mount_faults],
        "leases_problem": node.serving.leases_problem,
        "routed_metadata": node.routed.status() if node.routed else None,
        "networks": networks,
        "routers": routers,
        "reasons": [reason_json(node, reason, spans) for found in reasons.values() for reason in found],
        "in_progress": progress_json(node),
    }


def network_status(node: NodeState, network: Network) -> dict[str, Any]:
    """One network with its subnets, ports, leases and counters."""
    spans = Spans()
    reasons = reasons_by_network(node).get(network.id, [])
    leases = node.serving.leases(network.id)
    answers = answers_by_port(leases)
    services = node.serving.status(network.id)
    dhcp4 = services.get("dhcp4")
    return {
        **network_json(node, network, has_reasons=bool(reasons)),
        "namespace": namespace_name(network.id),
        "bridge": bridge_of(network),
        "mtu": network.mtu,
        "subnets": subnets_json(network),
        "ports": [port_json(network, port, answers.get(port.id)) for port in network.ports.values()],
        "leases": [lease_json(lease) for lease in leases],
        "reasons": [reason_json(node, reason, spans) for reason in reasons],
        "dhcp": dhcp4["messages"] if dhcp4 else None,
        "sockets": dhcp4["sockets"] if dhcp4 else None,
        "services": services,
    }


def _pinning(node: NodeState, spans: Spans) -> dict[str, Any]:
    trouble = node.reconciler.pin_trouble
    if trouble is None:
        return {"ok": True}
    return {
        "ok": False,
        "problem": str(trouble.error),
        "meaning": "namespaces are held by descriptor only, and end with this process",
        **spans.of(trouble.since, trouble.next_try),
    }
