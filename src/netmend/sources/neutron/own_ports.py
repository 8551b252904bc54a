"""Asks the server for ports of our own, until each scope of a network has what it needs, and gives back what none has a
use for. Runs in a worker."""

from typing import Any

from netmend.ground.log import get_logger
from netmend.sources.neutron import dhcp_port
from netmend.sources.neutron.dhcp_scopes import DhcpScope, dhcp_scopes, left_over
from netmend.sources.neutron.names import Raw
from netmend.sources.neutron.rpc import Server

log = get_logger()


def with_own_ports(server: Server, raw: Raw, host: str) -> dict[str, Any]:
    """The network, with our ports on it as the server gives them. Raises ServerError."""
    network = dict(raw)
    for scope in dhcp_scopes(raw, host):
        for _ in range(2):  # a reserved port may still lack a subnet once it is ours
            wish = dhcp_port.wish(network, scope.device_id, scope.subnets)
            port = _ask(server, network, scope, wish) if wish is not None else None
            if port is None:
                break
            network = dhcp_port.with_port(network, port)
            addresses = [fixed["ip_address"] for fixed in port["fixed_ips"]]
            log.info("our port is", network=network["id"], port=port["id"], addresses=addresses)
    useless = left_over(network, host)
    if useless is not None:
        server.release_port(network["id"], useless)
        log.info("our port was given back", network=network["id"], device=useless)
        network["ports"] = [port for port in network["ports"] if port.get("device_id") != useless]
    return network


def is_to_ask(raw: Raw, host: str) -> bool:
    """Whether `with_own_ports` has anything to ask for."""
    wishes = (dhcp_port.wish(raw, scope.device_id, scope.subnets) for scope in dhcp_scopes(raw, host))
    return any(wish is not None for wish in wishes) or left_over(raw, host) is not None


def _ask(server: Server, network: Raw, scope: DhcpScope, wish: dhcp_port.Wish) -> dict[str, Any] | None:
    port = server.ask_for_port(wish)
    if port is not None or not isinstance(wish, dhcp_port.UpdatePort):
        return port
    another = dhcp_port.instead(network, scope.device_id, wish)
    if another is None:
        return None
    server.release_port(network["id"], scope.device_id)
    return server.ask_for_port(another)
