"""The scene that one look saw, the verdicts on it, and their reasons; pure."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum

from netmend.intent.names import DEVICE_GROUPS, Mark
from netmend.kernel.link_details import LinkDetails
from netmend.kernel.ovsdb import InterfaceRow


class Reason(StrEnum):
    """Why a device or name is dead, or is kept; the values are part of the documented JSON."""

    OURS_NOT_IN_INTENT = "ours, not in intent"
    TAP_UNUSED = "tap that nobody uses"
    PAIR_UNUSED = "veth pair that nobody uses"
    BRIDGE_PORT_UNUSED = "dead port of a bridge"
    HYBRID_UNUSED = "hybrid plug that nobody uses"
    OVS_PORT_UNKNOWN = "port of Open vSwitch that the control plane does not know"
    OVS_ROW_UNKNOWN = "port of Open vSwitch without a device that the control plane does not know"
    PEER_GONE = "veth whose peer is gone"
    PEER_NAMESPACE_GONE = "veth whose peer's namespace is gone"
    NAME_WITHOUT_NAMESPACE = "name without a namespace"
    NAMESPACE_EMPTY = "empty namespace that the control plane does not know"
    HELPER_OF_NOTHING = "serves a namespace with nothing in it"
    HELPER_SURPLUS = "another process serves the same network"
    HELPER_UNKNOWN = "serves what the control plane does not know"

    IN_INTENT = "in intent"
    OURS = "netmend's own: give the intent with -c"
    UP = "up"
    CARRIER = "has carrier"
    OPEN = "a process has it open"
    PORT = "port of a bridge, bond or Open vSwitch"
    OVS_PORT = "Open vSwitch knows it"
    OVS_UNKNOWN = "Open vSwitch cannot be asked"
    OVS_ROW_UNASKED = "port of Open vSwitch without a device: --ports-file tells whether it is wanted"
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
    NAMESPACE_UNASKED = "empty namespace: no file of networks or routers tells whether it is wanted"
    HELPER_SERVES = "serves its network"
    HELPER_BESIDE = "serves a network beside another program: netmend doctor tells more"
    UNSEEN = "not everything could be looked at"
    YOUNG = "younger than --min-age"
    ASKED_BEFORE = "first seen after the control plane was asked: ask it anew for --ports-file"
    CHANGED = "changed since it was looked at"


DEAD = frozenset(
    {
        Reason.OURS_NOT_IN_INTENT,
        Reason.TAP_UNUSED,
        Reason.PAIR_UNUSED,
        Reason.BRIDGE_PORT_UNUSED,
        Reason.HYBRID_UNUSED,
        Reason.OVS_PORT_UNKNOWN,
        Reason.OVS_ROW_UNKNOWN,
        Reason.PEER_GONE,
        Reason.PEER_NAMESPACE_GONE,
        Reason.NAME_WITHOUT_NAMESPACE,
        Reason.NAMESPACE_EMPTY,
        Reason.HELPER_OF_NOTHING,
        Reason.HELPER_SURPLUS,
        Reason.HELPER_UNKNOWN,
    }
)


@dataclass(frozen=True, slots=True)
class Scene:
    """All that one look saw. Indexes are those of the namespace that is swept."""

    links: Mapping[int, LinkDetails]
    open_taps: Mapping[str, int] = field(default_factory=dict)  # name of a device → a process that has it open
    listened: Set[int] = frozenset()  # a packet socket is bound to them
    listened_by_switch: Set[int] = frozenset()  # of these, those on which ovs-vswitchd alone listens
    switch_pids: Set[int] = frozenset()  # processes of ovs-vswitchd
    addressed: Set[int] = frozenset()
    routed: Set[int] = frozenset()
    netnsids_alive: Set[int] = frozenset()  # ids of the other namespaces that a process or mount in sight holds
    rows: Mapping[str, InterfaceRow] | None = field(default_factory=dict)  # by name; None: OVS cannot be asked
    elsewhere: Set[str] | None = frozenset()  # devices of other namespaces; None: one could not be looked into
    all_seen: bool = True
    assume_all_seen: bool = False
    stacked: Set[int] = field(init=False)  # another device, a vlan or macvlan, is stacked on them

    def __post_init__(self) -> None:
        stacked = {
            link.lower
            for link in self.links.values()
            if link.lower and link.lower_netnsid is None and link.kind != "veth" and link.lower != link.index
        }
        object.__setattr__(self, "stacked", stacked)  # frozen for everybody else

    def bridged(self, link: LinkDetails) -> bool:
        """True when the device is a port of a bridge that is not netmend's, and not the tap `BRIDGE-nic` by which
        older libvirt gives its bridge a MAC: that is down, and held by nobody, as long as the bridge lives."""
        master = self.links.get(link.master) if link.master else None
        if master is None or master.kind != "bridge" or is_ours(master):
            return False
        return link.name != f"{master.name}-nic"


@dataclass(frozen=True, slots=True)
class Unit:
    """Devices that are deleted together or not at all: one device, both ends of a veth, or all of a hybrid plug; and
    their ports in Open vSwitch's database."""

    links: tuple[LinkDetails, ...]
    reason: Reason
    rows: tuple[InterfaceRow, ...] = ()
    by_switch: bool = False  # the device is Open vSwitch's own, and goes with its port

    @property
    def dead(self) -> bool:
        return self.reason in DEAD

    @property
    def moved(self) -> tuple[LinkDetails, ...]:
        """The devices that are deleted: of a veth one end, which takes the other along."""
        peers: set[int] = set()
        chosen = []
        for link in self.links:
            if link.index not in peers:
                chosen.append(link)
                if link.kind == "veth" and link.lower_netnsid is None:
                    peers.add(link.lower)
        return tuple(chosen)


@dataclass(frozen=True, slots=True)
class SwitchPort:
    """A port in Open vSwitch's database that has no device here."""

    row: InterfaceRow
    reason: Reason

    @property
    def dead(self) -> bool:
        return self.reason in DEAD


def is_ours(link: LinkDetails) -> bool:
    """True when the device carries netmend's mark."""
    return link.group in DEVICE_GROUPS or Mark.parse(link.alias) is not None
