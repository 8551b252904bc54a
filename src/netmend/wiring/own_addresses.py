"""The addresses of netmend's own port on a network."""

from ipaddress import IPv4Interface, IPv6Interface

from netmend.ground.peer_interface import PeerInterface4, PeerInterface6
from netmend.intent.eui64 import link_local_address
from netmend.intent.metadata import METADATA_ADDRESS, METADATA_ADDRESS6
from netmend.intent.names import dhcp_port
from netmend.intent.network import Network, OvnWiring

_IPV6_MIN_MTU = 1280  # RFC 8200 section 5; a device with less has no IPv6


def own_addresses(network: Network) -> tuple[IPv4Interface | IPv6Interface, ...]:
    """One address for each subnet (of OVN's localport: its own), a link-local one where anything speaks IPv6, those of
    metadata where it answers."""
    metadata = network.metadata != "off"
    found: list[IPv4Interface | IPv6Interface] = [
        IPv4Interface((int(subnet.server_address), subnet.cidr.prefixlen))
        if subnet.server_address in subnet.cidr
        else PeerInterface4(subnet.server_address, subnet.cidr)
        for subnet in network.subnets
    ]
    localport = network.wiring.addresses if isinstance(network.wiring, OvnWiring) else ()
    found += [address for address in localport if isinstance(address, IPv4Interface)]
    if metadata:
        found.append(IPv4Interface((int(METADATA_ADDRESS), 32)))
    if network.mtu < _IPV6_MIN_MTU:
        return tuple(found)
    if network.subnets6 or metadata:
        found.append(IPv6Interface((int(link_local_address(dhcp_port(network).mac)), 64)))
    found += [
        IPv6Interface((int(subnet.server_address), subnet.cidr.prefixlen))
        if subnet.server_address in subnet.cidr
        else PeerInterface6(subnet.server_address, subnet.cidr)
        for subnet in network.subnets6
    ]
    found += [address for address in localport if isinstance(address, IPv6Interface)]
    if metadata:
        found.append(IPv6Interface((int(METADATA_ADDRESS6), 64)))
    return tuple(found)
