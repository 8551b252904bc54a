"""A network: a layer 2 segment, isolated from every other; and Intent, all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from netmend.intent.dns import Dns
from netmend.intent.metadata import MetadataMode, MetadataProxy
from netmend.intent.port import Port
from netmend.intent.subnet import Subnet
from netmend.intent.subnet6 import Subnet6
from netmend.intent.wiring import BridgeWiring, Wiring

DEFAULT_MTU = 1500
_BRIDGE = BridgeWiring()


@dataclass(frozen=True, slots=True)
class DhcpPort:
    """Netmend's own port on a network where a control plane names it; elsewhere it is a function of the network's id
    (`netmend.intent.names.dhcp_port`). Its addresses are the `server_address` of the subnets."""

    id: str  # canonical UUID
    mac: str


@dataclass(frozen=True, slots=True)
class Network:
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

    @property
    def has_subnets(self) -> bool:
        """Whether there is anything to serve: without a subnet, netmend has no port on the network."""
        return bool(self.subnets or self.subnets6)


@dataclass(frozen=True, slots=True)
class Intent:
    """All that this node should serve, by network id. A change makes a new Intent that shares what did not change."""

    networks: Mapping[str, Network] = field(default_factory=dict)
    metadata_proxy: MetadataProxy | None = None  # there when any network's metadata is proxied
