"""Who asks: the port behind a source address. Nothing else tells, least of all what the guest says.

An address is a port's when it is one of its fixed IPs, when it is made of its MAC (EUI-64, RFC 4291 appendix A) under
fe80::/64 or under a subnet where guests make their own addresses (SLAAC), or when DHCP has leased it to the port.
A guest that makes addresses by other rules (RFC 7217, RFC 8981) is known by its fixed IPs only.
"""

from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from netmend.intent import Network, Port
from netmend.intent.eui64 import mac_in
from netmend.services.shared.port_changes import changed_ports

Address = IPv4Address | IPv6Address
LeaseHolder = Callable[[IPv4Address], str | None]  # the MAC that an address is leased to

_LINK_LOCAL = IPv6Network("fe80::/64")


class Callers:
    """The ports of one network, by all addresses that are theirs."""

    def __init__(self, network: Network, lease_holder: LeaseHolder | None = None) -> None:
        self._lease_holder = lease_holder
        self._by_address: dict[Address, Port] = {}
        self._by_mac: dict[str, Port] = {}
        self._by_instance: dict[str, tuple[Port, ...]] = {}
        self._ports: Mapping[str, Port] = {}
        self.update(network)

    def update(self, network: Network) -> None:
        """Take over what changed; ports that are the same objects cost nothing but a look."""
        self._own_prefixes = (
            _LINK_LOCAL,
            *(subnet.cidr for subnet in network.subnets6 if "slaac" in (subnet.address_mode, subnet.ra_mode)),
        )
        removed, added = changed_ports(self._ports, network.ports)
        for port in removed:
            self._by_mac.pop(port.mac, None)
            for address in _fixed(port):
                self._by_address.pop(address, None)
            self._leave(port)
        for port in added:
            self._by_mac[port.mac] = port
            self._by_address.update(dict.fromkeys(_fixed(port), port))
            if (key := instance_id(port)) != port.id:
                self._by_instance[key] = (*self._by_instance.get(key, ()), port)
        self._ports = network.ports

    def _leave(self, port: Port) -> None:
        key = instance_id(port)
        if remaining := tuple(other for other in self._by_instance.pop(key, ()) if other is not port):
            self._by_instance[key] = remaining

    def find(self, address: Address) -> Port | None:
        """The port that has `address`; None when none does."""
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            address = IPv6Address(int(address))
        port = self._by_address.get(address)
        if port is not None:
            return port
        if isinstance(address, IPv6Address):
            mac = _mac_in(address)
            owner = self._by_mac.get(mac) if mac else None
            return owner if owner and any(address in prefix for prefix in self._own_prefixes) else None
        mac = self._lease_holder(address) if self._lease_holder else None
        return self._by_mac.get(mac) if mac else None

    def ports_of(self, port: Port) -> tuple[Port, ...]:
        """All ports of the network that belong to the same instance as `port`."""
        return self._by_instance.get(instance_id(port), (port,))


def instance_id(port: Port) -> str:
    """The id of the instance that a port belongs to; a port of which intent tells none is one by itself."""
    if port.instance is not None:
        return port.instance.id
    return port.device_id or port.id


def _fixed(port: Port) -> Iterator[Address]:
    """The addresses that are the port's, also those that DHCP does not give it."""
    addresses = (*port.addresses, *(address for address, _ in port.names))
    yield from dict.fromkeys(addresses)


def _mac_in(address: IPv6Address) -> str | None:
    """The MAC that an interface identifier is made of, if it is made of one."""
    mac = mac_in(address.packed[8:])
    return None if mac is None else mac.hex(":")
