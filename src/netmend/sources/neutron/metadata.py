"""Whether netmend answers metadata on a network (neutron/agent/linux/dhcp.py: should_enable_metadata,
get_isolated_subnets)."""

from collections.abc import Iterable
from ipaddress import IPv4Network, ip_network

from netmend.sources.neutron.names import DISTRIBUTED_OWNER, OVN_METADATA, ROUTER_OWNERS, Raw
from netmend.sources.neutron.policy import Policy

_LINK_LOCAL = IPv4Network("169.254.0.0/16")


def isolated_subnets(network: Raw, subnets: Iterable[Raw]) -> set[str]:
    """Ids of the subnets with a gateway that is no router of Neutron's."""
    gateways = {subnet["id"]: subnet.get("gateway_ip") for subnet in subnets}
    routed = {
        fixed["subnet_id"]
        for port in network["ports"]
        if port.get("device_owner") in ROUTER_OWNERS
        for fixed in port["fixed_ips"]
        if gateways.get(fixed["subnet_id"]) == fixed["ip_address"]
    }
    return gateways.keys() - routed


def ovn_metadata_port(network: Raw) -> Raw | None:
    """OVN's own metadata port on the network, if OVN serves it."""
    for port in network["ports"]:
        ours = str(port.get("device_id", "")).startswith(OVN_METADATA)
        if port.get("device_owner") == DISTRIBUTED_OWNER and ours:
            return dict(port)
    return None


def serves_metadata(network: Raw, subnets: Iterable[Raw], isolated: set[str], policy: Policy) -> bool:
    """`subnets` are all that the network has."""
    with_dhcp = [subnet["id"] for subnet in subnets if subnet.get("enable_dhcp")]
    if ovn_metadata_port(network) is not None or not with_dhcp:
        return False
    if policy.force_metadata:
        return True
    if not policy.isolated_metadata:
        return False
    return (policy.metadata_network and _has_link_local(subnets)) or not isolated.isdisjoint(with_dhcp)


def _has_link_local(subnets: Iterable[Raw]) -> bool:
    cidrs = (ip_network(subnet["cidr"]) for subnet in subnets)
    return any(isinstance(cidr, IPv4Network) and cidr.subnet_of(_LINK_LOCAL) for cidr in cidrs)
