"""A network: a layer 2 segment, isolated from every other; and Intent, all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from netmend.intent.port import Port
from netmend.intent.subnet import Subnet

DEFAULT_MTU = 1500
Wiring = Literal["bridge"]


@dataclass(frozen=True, slots=True)
class Network:
    """One isolated network. Two networks may use the same addresses; inside one, addresses and MACs are unique."""

    id: str  # canonical UUID
    name: str
    mtu: int = DEFAULT_MTU
    wiring: Wiring = "bridge"
    subnets: tuple[Subnet, ...] = ()
    ports: Mapping[str, Port] = field(default_factory=dict)  # by port id


@dataclass(frozen=True, slots=True)
class Intent:
    """All that this node should serve, by network id. A change makes a new Intent that shares what did not change."""

    networks: Mapping[str, Network] = field(default_factory=dict)
