"""Which addresses a guest's port may speak with: Neutron's port security (`port_security_enabled`)."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from msgspec import Struct

from netmend.intent.eui64 import eui64_address, link_local_address
from netmend.intent.names import tap_name
from netmend.intent.network import Network
from netmend.intent.port import NoPlug, Port

Address = IPv4Address | IPv6Address


class Allowed(Struct, frozen=True):
    """A MAC with the addresses from `first` to `last`, both included, and of one family."""

    mac: str
    first: Address
    last: Address


class Guard(Struct, frozen=True):
    """What a port may use: `device` is its device on the host."""

    device: str
    macs: frozenset[str]
    addresses: frozenset[Allowed]

    def allows(self, mac: str, address: Address) -> bool:
        """Whether the port may speak as `address` from `mac`."""
        return any(
            mac == allowed.mac and address.version == allowed.first.version and allowed.first <= address <= allowed.last  # type: ignore[operator]
            for allowed in self.addresses
        )


def is_guarded(port: Port) -> bool:
    """Not without port security, nor where somebody else wires the port: that is to be guarded by who wires it."""
    return port.port_security and not isinstance(port.plug, NoPlug)


def guard_of(network: Network, port: Port) -> Guard:
    """What a guarded `port` may use: its fixed IPs with its MAC; the addresses that IPv6 makes of its MAC, link-local
    and in subnets with SLAAC; the pools of dynamic subnets, where it has no fixed IP and is given one of these; and
    its `allowed_address_pairs`."""
    addresses = {Allowed(port.mac, address, address) for address in port.fixed_ips}
    addresses.update(Allowed(port.mac, address, address) for address in port.fixed_ips6)
    for pair in port.allowed_address_pairs:
        addresses.add(Allowed(pair.mac, *_ends(pair.block)))
    macs = {port.mac, *(allowed.mac for allowed in addresses)}
    for mac in macs:
        own = link_local_address(mac)
        addresses.add(Allowed(mac, own, own))
    addresses.update(_by_subnet(network, port))
    return Guard(tap_name(port.id), frozenset(macs), frozenset(addresses))


def _ends(block: IPv4Network | IPv6Network) -> tuple[Address, Address]:
    if isinstance(block, IPv4Network):
        return block.network_address, block.broadcast_address
    return block.network_address, block.broadcast_address


def _by_subnet(network: Network, port: Port) -> Iterator[Allowed]:
    if not port.fixed_ips:
        for subnet in network.subnets:
            if subnet.dynamic:
                yield from (Allowed(port.mac, pool.first, pool.last) for pool in subnet.pools)
    for subnet6 in network.subnets6:
        stateful = "dhcpv6-stateful" in {subnet6.address_mode, subnet6.ra_mode}
        if subnet6.cidr.prefixlen == 64 and not stateful:
            own = eui64_address(subnet6.cidr, port.mac)
            yield Allowed(port.mac, own, own)
        if subnet6.dynamic and not port.fixed_ips6:
            yield from (Allowed(port.mac, pool6.first, pool6.last) for pool6 in subnet6.pools)
