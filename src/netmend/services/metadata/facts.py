"""The facts of intent about one guest, with the gaps filled the same way for both interfaces."""

from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

from netmend.intent import Instance, Network, Port, Subnet, Subnet6
from netmend.intent.names import host_label
from netmend.services.metadata.callers import instance_id


class Facts(Struct, frozen=True):
    """One guest: the port it asks from, and all its ports on this network."""

    network: Network
    port: Port
    ports: tuple[Port, ...]
    instance: Instance
    source: IPv4Address | IPv6Address

    @classmethod
    def of(cls, network: Network, port: Port, ports: tuple[Port, ...], source: IPv4Address | IPv6Address) -> "Facts":
        instance = port.instance or next((other.instance for other in ports if other.instance), None)
        return cls(network, port, ports, instance or Instance(instance_id(port)), source)

    @property
    def hostname(self) -> str:
        """The host name: the instance's as written; else the port's, or the port's name where it can be a host name, in
        the subnet's domain; else the instance's id."""
        if self.instance.hostname:
            return self.instance.hostname
        name = self.port.hostname or host_label(self.port)
        if not name:
            return self.instance.id
        domain = self.domain
        return f"{name}.{domain}" if domain and "." not in name else name

    @property
    def domain(self) -> str | None:
        leased = (self.source,) if isinstance(self.source, IPv4Address) else ()
        subnet = next((subnet for ip in (*self.port.fixed_ips, *leased) if (subnet := self.subnet(ip))), None)
        dns = self.network.dns
        return (subnet.domain if subnet else None) or (dns.domain if dns else None)

    @property
    def name(self) -> str:
        return self.instance.name or self.port.name

    @property
    def project_id(self) -> str | None:
        return self.port.project_id or self.network.project_id

    @property
    def ipv4(self) -> str | None:
        """The first fixed address; without one, the leased one that the guest asks from."""
        if self.port.fixed_ips:
            return str(self.port.fixed_ips[0])
        return str(self.source) if isinstance(self.source, IPv4Address) else None

    def subnet(self, address: IPv4Address) -> Subnet | None:
        return next((subnet for subnet in self.network.subnets if address in subnet.cidr), None)

    def subnet6(self, address: IPv6Address) -> Subnet6 | None:
        return next((subnet for subnet in self.network.subnets6 if address in subnet.cidr), None)
