"""The default routes of a network's namespace, by which netmend's own port answers what comes from beyond the network.

After Neutron's agent (neutron/agent/linux/dhcp.py, _set_default_route): of each IP version one, by the gateway of the
first subnet that has any. A gateway outside its subnet is reached by a route of its own, on the link.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Final

from netmend.intent.network import Network
from netmend.intent.subnet import Subnet
from netmend.intent.subnet6 import Subnet6
from netmend.wiring.own_addresses import own_addresses

Route = tuple[IPv4Network | IPv6Network, IPv4Address | IPv6Address | None]
"""A destination and the gateway to it; None: it is on the link."""

_EVERYWHERE: Final[dict[int, IPv4Network | IPv6Network]] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}


def own_routes(network: Network) -> tuple[Route, ...]:
    """The routes of netmend's own port beside those that its addresses bring, in the order in which they are made."""
    addresses = own_addresses(network)
    return (*_by_first_gateway(network.subnets, addresses), *_by_first_gateway(network.subnets6, addresses))


def _by_first_gateway(
    subnets: Iterable[Subnet | Subnet6], addresses: Iterable[IPv4Interface | IPv6Interface]
) -> tuple[Route, ...]:
    gateways = (subnet.gateway for subnet in subnets if subnet.gateway is not None)
    gateway = next(gateways, None)
    if gateway is None or gateway.is_unspecified:
        return ()
    same_version = [address for address in addresses if address.version == gateway.version]
    if not same_version or any(address.ip == gateway for address in same_version):  # no IPv6 here; or it is netmend
        return ()
    default: Route = (_EVERYWHERE[gateway.version], gateway)
    is_on_link = any(gateway in address.network for address in same_version)
    if isinstance(gateway, IPv4Address):
        return (default,) if is_on_link else ((IPv4Network(gateway), None), default)
    return (default,) if is_on_link or gateway.is_link_local else ((IPv6Network(gateway), None), default)
