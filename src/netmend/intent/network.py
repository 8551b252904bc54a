"""A network: a layer 2 segment, isolated from every other, its wiring and its DNS; and Intent, all networks."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Literal

from msgspec import Struct, field

from netmend.intent.metadata import MetadataMode, MetadataProxy
from netmend.intent.port import Port
from netmend.intent.router import Router, RouterPort
from netmend.intent.security_group import AddressGroup, SecurityGroup
from netmend.intent.subnet import Subnet
from netmend.intent.subnet6 import Subnet6

DEFAULT_MTU = 1500
DEFAULT_GUEST_RATE = 1000  # queries a second; clouds let one interface put as many (AWS: 1,024 packets)
DNS_PORT = 53
DEFAULT_OVS_BRIDGE = "br-int"  # Neutron's integration bridge


class BridgeWiring(Struct, frozen=True):
    """A Linux bridge of the network's own."""


class OvsWiring(Struct, frozen=True):
    """A port of an Open vSwitch bridge that another program (Neutron's own agent) makes and programs.

    `veth`: the DHCP port is a veth whose near end is the switch's port (`ovs_use_veth`), else an internal port of the
    switch that is moved into the namespace. `datapath` is the bridge's type, None for whatever it is. With `own_tags`
    netmend keeps networks apart itself, by a VLAN tag each; else the program of the bridge does (Neutron's agent).
    """

    bridge: str = DEFAULT_OVS_BRIDGE
    veth: bool = False
    datapath: Literal["system", "netdev"] | None = None
    own_tags: bool = False


class OvnWiring(OvsWiring, frozen=True):
    """A port of OVN's integration bridge, by a veth: the localport of the network, on which metadata is answered.

    ovn-controller programs the bridge, by the localport's `iface-id` (`Network.dhcp_port.id`); OVN itself answers DHCP
    and DNS, so the network has no subnets here. `addresses` are the localport's, beside those of metadata.
    """

    veth: bool = True
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()


Wiring = BridgeWiring | OvsWiring
_BRIDGE = BridgeWiring()


class DnsServer(Struct, frozen=True):
    """A DNS server that netmend asks, from the host's network namespace, over UDP and TCP."""

    address: IPv4Address | IPv6Address
    port: int = DNS_PORT

    def __str__(self) -> str:
        if self.port == DNS_PORT:
            return str(self.address)
        return f"[{self.address}]:{self.port}" if self.address.version == 6 else f"{self.address}:{self.port}"


class Dns(Struct, frozen=True):
    """The network's resolver, on netmend's own addresses in its subnets.

    `domain` is the network's own zone, beside the domains of its subnets (None: those alone). `forwarders` are asked of
    names that are not the network's own; without any, the host's (resolv.conf(5)); with `forward` false, nobody. With
    `allow_private`, they may give private addresses, and are asked of names that are private to an organisation.
    `guest_rate` is how many queries a second one guest may put; 0: any. `records` are further names, alone or below a
    zone of the network or fully qualified, each with an address.

    `forward_domains` are domains, none of them a zone of the network, with servers of their own, for all names in them
    whatever else is said, and whatever addresses they give; a domain without servers has no names.

    With `share_names`, guests of all networks of the same project that share theirs too are answered with these names.
    """

    domain: str | None = None
    forwarders: tuple[DnsServer, ...] = ()
    forward: bool = True
    allow_private: bool = False
    guest_rate: int = DEFAULT_GUEST_RATE
    records: tuple[tuple[str, IPv4Address | IPv6Address], ...] = ()
    forward_domains: tuple[tuple[str, tuple[DnsServer, ...]], ...] = ()
    share_names: bool = False


class DhcpPort(Struct, frozen=True):
    """Netmend's own port on a network where a control plane names it; elsewhere it is a function of the network's id
    (`netmend.intent.names.dhcp_port`). Its addresses are the `server_address` of the subnets."""

    id: str  # canonical UUID
    mac: str


class Network(Struct, frozen=True):
    """One isolated network. Two networks may use the same addresses; inside one, addresses and MACs are unique."""

    id: str  # canonical UUID
    name: str
    mtu: int = DEFAULT_MTU
    wiring: Wiring = _BRIDGE
    subnets: tuple[Subnet, ...] = ()
    ports: Mapping[str, Port] = field(default_factory=dict)  # by port id
    subnets6: tuple[Subnet6, ...] = ()
    dhcp_port: DhcpPort | None = None
    dns: Dns | None = None  # None: no name is answered
    metadata: MetadataMode = "off"
    project_id: str | None = None
    router_ports: tuple[RouterPort, ...] = ()

    @property
    def is_served(self) -> bool:
        """Whether there is anything to serve: else netmend has no port on the network, and no namespace of it."""
        return bool(self.subnets or self.subnets6) or isinstance(self.wiring, OvnWiring)

    @property
    def has_pools(self) -> bool:
        """Whether clients that are no ports get addresses too, of either version."""
        return any(s.dynamic for s in self.subnets) or any(s.dynamic for s in self.subnets6)


class Intent(Struct, frozen=True):
    """All that this node should serve: networks by id, the routers between them, and the security groups of their
    ports, each with the groups that its rules name. A change makes a new Intent that shares what did not change."""

    networks: Mapping[str, Network] = field(default_factory=dict)
    metadata_proxy: MetadataProxy | None = None  # there when any network's metadata is proxied
    routers: Mapping[str, Router] = field(default_factory=dict)  # by router id
    security_groups: Mapping[str, SecurityGroup] = field(default_factory=dict)  # by group id
    address_groups: Mapping[str, AddressGroup] = field(default_factory=dict)  # by group id

    def name_of(self, object_id: str | None) -> str | None:
        """What a network or a router is called; None where there is none of that id."""
        found = self.networks.get(object_id or "") or self.routers.get(object_id or "")
        return found.name if found else None
