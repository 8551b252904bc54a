"""A device that should exist on the host."""

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface
from typing import Literal

from netmend.intent.names import Mark
from netmend.intent.plug import NetnsPlug, PidPlug


@dataclass(frozen=True, slots=True)
class Home:
    """The network's own namespace."""


Place = Home | NetnsPlug | PidPlug


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The end of a veth that is not on the host."""

    place: Place
    name: str
    mac: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchPort:
    """A port of an Open vSwitch bridge. `ids` are external_ids of its row in table Interface, `port_ids` of that in
    table Port. With `own_tag` netmend gives it the VLAN of its network; else somebody does who knows it by its ids."""

    bridge: str
    ids: tuple[tuple[str, str], ...]
    port_ids: tuple[tuple[str, str], ...]
    own_tag: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """A device on the host; `master` is the name of the bridge it is a port of. `mac` None: the kernel's choice.

    With `switch` it is a port of an Open vSwitch bridge instead. An "internal" one is made by the switch and moved into
    the network's namespace (`far`), so it is on the host only on its way there.
    """

    name: str
    kind: Literal["bridge", "veth", "tap", "internal"]
    mark: Mark
    mtu: int
    mac: str | None = None
    master: str | None = None
    far: FarEnd | None = None  # veth, internal
    owner: int | None = None  # tap: uid
    switch: SwitchPort | None = None
