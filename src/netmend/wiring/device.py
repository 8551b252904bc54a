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
class Device:
    """A device on the host; `master` is the name of the bridge it is a port of. `mac` None: the kernel's choice."""

    name: str
    kind: Literal["bridge", "veth", "tap"]
    mark: Mark
    mtu: int
    mac: str | None = None
    master: str | None = None
    far: FarEnd | None = None  # veth
    owner: int | None = None  # tap: uid
