"""A device that should exist on the host, as a value."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Literal
from zlib import crc32

from msgspec import Struct

from netmend.intent.names import Mark, router_namespace_name, router_port_name
from netmend.intent.port import NetnsPlug, PidPlug
from netmend.intent.router import RouterPort


class Home(Struct, frozen=True):
    """The network's own namespace."""


Place = Home | NetnsPlug | PidPlug


class FarEnd(Struct, frozen=True):
    """The end of a veth, or the internal port, that is in another namespace than the host's."""

    place: Place  # the namespace it belongs in
    name: str  # its name there
    mac: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    routes: tuple[tuple[IPv4Network | IPv6Network, IPv4Address | IPv6Address | None], ...] = ()  # None: on the link

    @property
    def made(self) -> str:
        """What this end is made as, for the mark: 8 hexadecimal digits for its place and 8 for its name and MAC."""
        match self.place:
            case Home():
                place = "home"
            case NetnsPlug(netns):
                place = f"netns {netns}"
            case PidPlug(pid):
                place = f"pid {pid}"
        return f"{crc32(place.encode()):08x}{crc32(f'{self.name} {self.mac}'.encode()):08x}"


def router_end(port: RouterPort) -> FarEnd:
    """A router's end of its port on a network. Its addresses are the business of `netmend.routing`."""
    return FarEnd(NetnsPlug(router_namespace_name(port.router_id)), router_port_name(port.id), port.mac)


class SwitchPort(Struct, frozen=True):
    """A port of an Open vSwitch bridge."""

    bridge: str
    ids: tuple[tuple[str, str], ...]  # external_ids of its row in table Interface
    port_ids: tuple[tuple[str, str], ...]  # external_ids of its row in table Port
    vlan: Literal["own", "agent", "none"] = "agent"  # given by netmend, by an agent that knows it by its ids, by nobody

    @property
    def own_tag(self) -> bool:
        """Whether netmend gives it the VLAN of its network."""
        return self.vlan == "own"


class Device(Struct, frozen=True):
    """A device on the host. An "internal" one is made by the switch and moved into the network's namespace, so it is on
    the host only on its way there."""

    name: str
    kind: Literal["bridge", "veth", "tap", "internal"]
    mark: Mark
    mtu: int
    mac: str | None = None  # None: the kernel's choice
    master: str | None = None  # name of the Linux bridge that it is a port of
    far: FarEnd | None = None  # of veth and internal
    owner: int | None = None  # of tap: uid
    switch: SwitchPort | None = None  # the port of an Open vSwitch bridge that it is

    @property
    def own_mac(self) -> str | None:
        """The MAC of netmend's own port, or of a router's, for the device by which a bridge reaches it."""
        if self.master is None or self.far is None:
            return None
        return self.far.mac if isinstance(self.far.place, Home) or self.mark.role == "router" else None
