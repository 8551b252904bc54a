"""What status shows of routers."""

from collections.abc import Mapping, Sequence
from typing import Any

from netmend.intent.names import router_namespace_name
from netmend.intent.router import DeviceUplink, HostUplink, Router
from netmend.node.state import NodeState
from netmend.reconcile.resync import Reason


def router_json(node: NodeState, router: Router, reasons: Mapping[str, Sequence[Reason]]) -> dict[str, Any]:
    """A router in a list."""
    networks = node.intent.intent.networks
    return {
        "id": router.id,
        "name": router.name,
        "state": state_of_router(node, router, reasons),
        "namespace": router_namespace_name(router.id),
        "networks": [networks[port.network_id].name for port in router.ports if port.network_id in networks],
        "uplink": _uplink(router),
        "floating_ips": len(router.floating_ips),
        "port_forwards": len(router.forwards),
    }


def state_of_router(node: NodeState, router: Router, reasons: Mapping[str, Sequence[Reason]]) -> str:
    """One of STATES: a router is served while what it does is as intent says."""
    found = reasons.get(router.id)
    if found:
        return "served with reasons" if all(reason.serves for reason in found) else "not served"
    if router.id in node.reconciler.open_routers:
        return "served"
    return "not served" if node.reconciler.breaker.is_open else "waiting"


def _uplink(router: Router) -> str | None:
    match router.uplink:
        case DeviceUplink(device):
            return device
        case HostUplink():
            return "host"
        case None:
            return None
