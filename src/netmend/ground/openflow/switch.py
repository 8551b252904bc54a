"""A switch as its database has it: bridges and their ports (ovs-vswitchd.conf.db(5))."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DEAD_VLAN = 4095
"""The tag of ports that are to reach nobody, in Neutron's pipeline."""


@dataclass(frozen=True, slots=True)
class BridgePort:
    """A port of one interface, or each interface of a bond. `number` is OpenFlow's; None: the switch gave it none."""

    name: str
    number: int | None
    kind: str = ""  # of the interface: "", internal, patch, vxlan ...
    tag: int | None = None
    trunks: tuple[int, ...] = ()
    vlan_mode: str | None = None
    mac: str | None = None
    peer: str | None = None  # of a patch port
    ids: Mapping[str, str] = field(default_factory=dict)  # external_ids of the interface
    other: Mapping[str, str] = field(default_factory=dict)  # other_config of the port
    error: str | None = None

    @property
    def neutron_id(self) -> str | None:
        """The id of the port of Neutron's that it is."""
        return self.ids.get("iface-id")

    @property
    def guest_mac(self) -> str | None:
        return self.ids.get("attached-mac") or self.mac


@dataclass(frozen=True, slots=True)
class BridgeLayout:
    """`datapath` is `system` (the kernel's) or `netdev`."""

    name: str
    datapath: str
    ports: tuple[BridgePort, ...]
