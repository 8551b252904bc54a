"""Which services intent asks for on a network, besides DHCPv4."""

from netmend.intent.network import Network


def wants_dhcp6(network: Network) -> bool:
    """Whether intent asks for DHCPv6, or for router advertisements."""
    return any(
        subnet.ra_mode is not None or subnet.address_mode in ("dhcpv6-stateful", "dhcpv6-stateless")
        for subnet in network.subnets6
    )


def wants_dns(network: Network) -> bool:
    return network.dns is not None and network.is_served


def wants_metadata(network: Network) -> bool:
    return network.metadata != "off" and network.is_served
