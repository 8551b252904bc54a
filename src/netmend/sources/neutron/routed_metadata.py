"""Who asks for metadata by way of a router, and where its haproxy asks (neutron/agent/metadata/agent.py)."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from netmend.intent.eui64 import mac_in
from netmend.sources.neutron.configuration import Configuration
from netmend.sources.neutron.names import ROUTER_OWNERS

if TYPE_CHECKING:
    from netmend.sources.neutron.rpc import Server

_MODES: Final = {"user": 0o644, "group": 0o664, "all": 0o666}


class RoutedMetadata:
    """What a node needs to answer in the place of neutron-metadata-agent (netmend.node.intake.source)."""

    def __init__(self, configuration: Configuration, server: Callable[[], "Server"]) -> None:
        """`server` gives the server to ask; raises ConnectionError when there is none now."""
        self.socket = Path(configuration.conf.metadata_proxy_socket)
        self.mode = _mode(configuration.conf)
        self._server = server

    def find(
        self, network_id: str | None, router_id: str | None, address: IPv4Address | IPv6Address
    ) -> tuple[str, str] | None:
        """Ids of the instance and of its project; raises ConnectionError."""
        from netmend.sources.neutron.rpc import ServerError

        server = self._server()
        try:
            networks = [network_id] if network_id is not None else _networks_of(server, router_id or "")
            if not networks:
                return None
            ports = server.get_ports({"network_id": networks, **_wearing(address)})
        except ServerError as error:
            raise ConnectionError(str(error)) from error
        if len(ports) != 1 or not ports[0].get("device_id"):
            return None
        return str(ports[0]["device_id"]), str(ports[0].get("project_id") or ports[0].get("tenant_id") or "")


def _networks_of(server: "Server", router_id: str) -> list[str]:
    filters = {"device_id": [router_id], "device_owner": sorted(ROUTER_OWNERS)}
    return sorted({port["network_id"] for port in server.get_ports(filters)})


def _wearing(address: IPv4Address | IPv6Address) -> dict[str, Any]:
    """A link-local address is no fixed one; the MAC that it is made of tells the port."""
    mac = mac_in(address.packed[8:]) if isinstance(address, IPv6Address) and address.is_link_local else None
    return {"mac_address": [mac.hex(":")]} if mac is not None else {"fixed_ips": {"ip_address": [str(address)]}}


def _mode(conf: Any) -> int:
    """Mode of the socket. It belongs to the owner of its directory: netmend is root, and its clients may not be."""
    if conf.metadata_proxy_socket_mode != "deduce":
        return _MODES[conf.metadata_proxy_socket_mode]
    return _MODES["all" if conf.metadata_proxy_user not in ("", "0", "root") else "user"]
