"""The networks of a node as a drawing needs them: with their guests, routers between them, and the ways out."""

from typing import Any, Final

from netmend.intent.network import Intent, Network
from netmend.intent.port import Port
from netmend.intent.router import DeviceUplink, Router
from netmend.node.state import NodeState
from netmend.node.views.routers import router_json
from netmend.node.views.shapes import network_json, reasons_by_network

NETWORKS_MAX: Final = 60
"""Networks of one drawing at most."""
_GUESTS_MAX: Final = 12  # of a network


def topology(node: NodeState, text: str, limit: int) -> dict[str, Any]:
    """The routers with what they join, and the networks: those with a router first. `text` is in a network's or a
    router's name or id, or in a subnet; what is joined by a router that is drawn is drawn too."""
    intent, reasons = node.intent.intent, reasons_by_network(node)
    chosen = _chosen(intent, text.lower())
    drawn = chosen[: min(limit, NETWORKS_MAX)]
    routers = _routers_of(intent, drawn)
    return {
        "networks_total": len(chosen),
        "networks": [
            {
                **network_json(node, network, has_reasons=network.id in reasons),
                "subnets": _cidrs(network)[:4],
                "router": next((port.router_id for port in network.router_ports), None),
                "guests": [_guest(port) for port in list(network.ports.values())[:_GUESTS_MAX]],
            }
            for network in drawn
        ],
        "routers": [{**router_json(node, router, reasons), **_ends(intent, router)} for router in routers],
    }


def _guest(port: Port) -> dict[str, Any]:
    return {"id": port.id, "name": port.name, "fixed_ips": list(map(str, port.addresses))}


def _cidrs(network: Network) -> list[str]:
    return [*(str(subnet.cidr) for subnet in network.subnets), *(str(subnet.cidr) for subnet in network.subnets6)]


def _chosen(intent: Intent, text: str) -> list[Network]:
    networks = list(intent.networks.values())
    if text:
        routers = {router.id for router in intent.routers.values() if text in router.name.lower() or text in router.id}
        named = {network.id for network in networks if _is_meant(network, text)}
        routers |= {port.router_id for network in networks if network.id in named for port in network.router_ports}
        networks = [
            network
            for network in networks
            if network.id in named or any(port.router_id in routers for port in network.router_ports)
        ]
    return sorted(networks, key=lambda network: (not network.router_ports, _router_id(network), network.name))


def _router_id(network: Network) -> str:
    return network.router_ports[0].router_id if network.router_ports else ""


def _is_meant(network: Network, text: str) -> bool:
    return any(text in known for known in (network.name.lower(), network.id, *_cidrs(network)))


def _routers_of(intent: Intent, networks: list[Network]) -> list[Router]:
    ids = dict.fromkeys(port.router_id for network in networks for port in network.router_ports)
    return [intent.routers[router_id] for router_id in ids if router_id in intent.routers]


def _ends(intent: Intent, router: Router) -> dict[str, Any]:
    """What a router joins, and what leads in from its uplink."""
    uplink = router.uplink
    return {
        "ports": [
            {"network": port.network_id, "addresses": [str(address.ip) for address in port.addresses]}
            for port in router.ports
            if port.network_id in intent.networks
        ],
        "uplink_addresses": [str(one.ip) for one in uplink.addresses] if isinstance(uplink, DeviceUplink) else [],
        "snat": router.snat,
        "floating": [{"address": str(one.address), "fixed_ip": str(one.fixed_ip)} for one in router.floating_ips],
        "published": [
            {
                "protocol": one.protocol,
                "address": str(one.address) if one.address else None,
                "port": one.port,
                "to": f"{one.to_address}:{one.to_port}",
            }
            for one in router.forwards
        ],
    }
