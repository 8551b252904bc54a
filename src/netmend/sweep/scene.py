"""What was seen at one look, and the words for what was concluded from it; pure."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum

from netmend.intent.names import DEVICE_GROUPS, Mark
from netmend.kernel.link_details import LinkDetails


class Reason(StrEnum):
    """Why a device or name is dead, or is kept; the values are part of the documented JSON."""

    OURS_NOT_IN_INTENT = "ours, not in intent"
    TAP_UNUSED = "tap that nobody uses"
    PAIR_UNUSED = "veth pair that nobody uses"
    BRIDGE_PORT_UNUSED = "dead port of a bridge"
    PEER_GONE = "veth whose peer is gone"
    PEER_NAMESPACE_GONE = "veth whose peer's namespace is gone"
    NAME_WITHOUT_NAMESPACE = "name without a namespace"

    IN_INTENT = "in intent"
    OURS = "netmend's own: give the intent with -c"
    UP = "up"
    CARRIER = "has carrier"
    OPEN = "a process has it open"
    PORT = "port of a bridge, bond or Open vSwitch"
    OVS_PORT = "Open vSwitch knows it"
    OVS_UNKNOWN = "Open vSwitch cannot be asked"
    LISTENED = "a packet socket is bound to it"
    ADDRESS = "has an address"
    ROUTED = "a route leads to it"
    STACKED = "another device is stacked on it"
    PROGRAM = "a program handles its packets"
    PROMISCUOUS = "somebody hears all that passes"
    PEER_USED = "its peer is in use"
    PEER_NAMESPACE_ALIVE = "its peer's namespace is alive"
    NAMESPACE_ALIVE = "its namespace is alive"
    KNOWN = "known to the control plane"
    UNSEEN = "not everything could be looked at"
    YOUNG = "younger than --min-age"
    CHANGED = "changed since it was looked at"


DEAD = frozenset(
    {
        Reason.OURS_NOT_IN_INTENT,
        Reason.TAP_UNUSED,
        Reason.PAIR_UNUSED,
        Reason.BRIDGE_PORT_UNUSED,
        Reason.PEER_GONE,
        Reason.PEER_NAMESPACE_GONE,
        Reason.NAME_WITHOUT_NAMESPACE,
    }
)


@dataclass(frozen=True, slots=True)
class Scene:
    """All that was seen at one look. Indexes are those of the namespace that is swept."""

    links: Mapping[int, LinkDetails]
    open_taps: Mapping[str, int] = field(default_factory=dict)
    """Device name → a process that has it open."""
    listened: Set[int] = frozenset()
    addressed: Set[int] = frozenset()
    routed: Set[int] = frozenset()
    netnsids_alive: Set[int] = frozenset()
    """Ids of the other namespaces that somebody in sight holds on to."""
    ovs_ports: Set[str] | None = frozenset()
    """None: there is an Open vSwitch, and it cannot be asked."""
    all_seen: bool = True
    assume_all_seen: bool = False
    stacked: Set[int] = field(init=False)
    """Indexes of devices that another one is stacked on."""

    def __post_init__(self) -> None:
        stacked = {
            link.lower
            for link in self.links.values()
            if link.lower and link.lower_netnsid is None and link.kind != "veth" and link.lower != link.index
        }
        object.__setattr__(self, "stacked", stacked)  # frozen for everybody else

    def bridged(self, link: LinkDetails) -> bool:
        """True when the device is a port of a bridge that is not netmend's."""
        master = self.links.get(link.master) if link.master else None
        return master is not None and master.kind == "bridge" and not is_ours(master)


@dataclass(frozen=True, slots=True)
class Unit:
    """What goes together or not at all: one device, or both ends of a veth."""

    links: tuple[LinkDetails, ...]
    reason: Reason

    @property
    def dead(self) -> bool:
        return self.reason in DEAD


def is_ours(link: LinkDetails) -> bool:
    """True when the device carries netmend's mark."""
    return link.group in DEVICE_GROUPS or Mark.parse(link.alias) is not None
