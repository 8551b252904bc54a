"""What watches need to know of routers: whose namespace is whose, and which addresses belong there."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from netmend.intent.network import Intent
from netmend.intent.router import DeviceUplink, HostUplink, Router
from netmend.routing.transit import BLOCK

_LINK_LOCAL6 = b"\xfe\x80"


class RouterHints:
    """The routers of one intent."""

    def __init__(self, intent: Intent, before: "RouterHints | None" = None) -> None:
        """`before`: of the intent before, whose namespaces are known."""
        self._routers = intent.routers
        self._router_of_port = {port.id: router.id for router in intent.routers.values() for port in router.ports}
        self._addresses: dict[str, frozenset[bytes]] = {}
        self._netnsids: dict[int, str] = before._netnsids if before is not None else {}

    def is_wanted(self, router_id: str) -> bool:
        """Whether intent has the router."""
        return router_id in self._routers

    def learn(self, netnsid: int, port_id: str | None) -> None:
        """The namespace with this id is that of the router with this port."""
        router_id = self._router_of_port.get(port_id or "")
        if router_id is not None:
            self._netnsids[netnsid] = router_id

    def behind(self, netnsid: int) -> str | None:
        """The router whose namespace has this id, as far as was heard."""
        return self._netnsids.get(netnsid)

    def is_by_way_of_host(self, router_id: str | None) -> bool:
        """Whether that is a router whose way out is the host."""
        router = self._routers.get(router_id or "")
        return router is not None and isinstance(router.uplink, HostUplink)

    def has_address(self, router_id: str, address: bytes) -> bool:
        """Whether an address, of 4 or 16 octets, belongs in the router's namespace."""
        router = self._routers.get(router_id)
        if router is None or address.startswith(_LINK_LOCAL6):
            return True
        known = self._addresses.get(router_id)
        if known is None:
            known = self._addresses[router_id] = _addresses(router)
        return address in known or (len(address) == 4 and IPv4Address(address) in BLOCK)


def _addresses(router: Router) -> frozenset[bytes]:
    found = {address.ip.packed for port in router.ports for address in port.addresses}
    if isinstance(router.uplink, DeviceUplink):
        found.update(address.ip.packed for address in router.uplink.addresses)
    found.update(floating.address.packed for floating in router.floating_ips)
    found.update(forward.address.packed for forward in router.forwards if forward.address is not None)
    return frozenset(found)


def changed_routers(old: Mapping[str, Router], new: Mapping[str, Router]) -> set[str]:
    """Ids of routers that came, went or changed."""
    return {router_id for router_id in old.keys() | new.keys() if old.get(router_id) is not new.get(router_id)}
