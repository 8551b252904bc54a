"""Which switch the devices of a network are ports of."""

from dataclasses import dataclass
from typing import Literal

DEFAULT_OVS_BRIDGE = "br-int"  # Neutron's integration bridge


@dataclass(frozen=True, slots=True)
class BridgeWiring:
    """A Linux bridge of the network's own."""


@dataclass(frozen=True, slots=True)
class OvsWiring:
    """A port of an Open vSwitch bridge that somebody else (Neutron's own agent) makes and programs.

    `veth`: the DHCP port is a veth whose near end is the switch's port (`ovs_use_veth`), else an internal port of the
    switch that is moved into the namespace. `datapath` is the bridge's type, None for whatever it is. With `own_tags`
    netmend keeps networks apart itself, by a VLAN tag each; else who programs the bridge does (Neutron's agent).
    """

    bridge: str = DEFAULT_OVS_BRIDGE
    veth: bool = False
    datapath: Literal["system", "netdev"] | None = None
    own_tags: bool = False


Wiring = BridgeWiring | OvsWiring
