"""What is dead, as functions of what was seen; pure.

A rule holds in full or the device is kept: each condition that fails is a reason to keep it, and the first is told.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum

from netmend.intent.names import DEVICE_GROUPS, Mark, host_device_names
from netmend.intent.network import Intent
from netmend.kernel.link_details import LinkDetails
from netmend.sweep.kinds import ForeignKind
from netmend.sweep.known import Known


class Reason(StrEnum):
    """Why a device or name is dead, or is kept; the values are part of the documented JSON."""

    OURS_NOT_IN_INTENT = "ours, not in intent"
    TAP_UNUSED = "tap that nobody uses"
    PAIR_UNUSED = "veth pair that nobody uses"
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


def judge_ours(scene: Scene, intent: Intent) -> list[Unit]:
    """Every device of ours: dead when intent does not have it."""
    wanted: set[str] = set()
    for network in intent.networks.values():
        wanted.update(host_device_names(network))
    return [
        Unit((link,), Reason.IN_INTENT if link.name in wanted else Reason.OURS_NOT_IN_INTENT)
        for link in scene.links.values()
        if is_ours(link)
    ]


def judge_foreign(scene: Scene, kinds: Mapping[str, ForeignKind], known: Known) -> list[Unit]:
    """Every device that one of `kinds` covers, without regard to age. A veth whose peer is here is judged with it."""
    units: list[Unit] = []
    judged: set[int] = set()
    for link in scene.links.values():
        if link.index in judged or not any(kind.covers(link) for kind in kinds.values()):
            continue
        unit = _judge_veth(link, scene, known) if link.kind == "veth" else _judge_tap(link, scene, known)
        judged.update(one.index for one in unit.links)
        units.append(unit)
    return units


def _judge_tap(link: LinkDetails, scene: Scene, known: Known) -> Unit:
    reason = _used(link, scene, known)
    if reason is None and link.name in scene.open_taps:
        reason = Reason.OPEN
    if reason is None and not (scene.all_seen or scene.assume_all_seen):
        reason = Reason.UNSEEN
    return Unit((link,), reason or Reason.TAP_UNUSED)


def _judge_veth(link: LinkDetails, scene: Scene, known: Known) -> Unit:
    reason = _used(link, scene, known)
    if link.lower_netnsid is not None:
        if reason is None and link.lower_netnsid in scene.netnsids_alive:
            reason = Reason.PEER_NAMESPACE_ALIVE
        if reason is None and not (scene.all_seen or scene.assume_all_seen):
            reason = Reason.UNSEEN
        return Unit((link,), reason or Reason.PEER_NAMESPACE_GONE)
    peer = scene.links.get(link.lower)
    if peer is None or peer.kind != "veth" or peer.lower != link.index:
        # without an id of its namespace the kernel shows the peer's index only when it is here (if_link.h)
        return Unit((link,), reason or (Reason.PEER_GONE if not link.lower else Reason.CHANGED))
    if reason is None:
        reason = Reason.PEER_USED if _used(peer, scene, known) else Reason.PAIR_UNUSED
    return Unit((link, peer), reason)


def _used(link: LinkDetails, scene: Scene, known: Known) -> Reason | None:
    """Why somebody may be using the device, as far as the device alone tells."""
    reason = Reason.OURS if is_ours(link) else used_now(link)
    if reason is not None:
        return reason
    if link.index in scene.stacked:
        return Reason.STACKED
    if link.index in scene.listened:
        return Reason.LISTENED
    if link.index in scene.addressed:
        return Reason.ADDRESS
    if any(known.knows(name) for name in (link.name, *link.alternative_names)):
        return Reason.KNOWN
    if scene.ovs_ports is None:
        return Reason.OVS_UNKNOWN
    if link.name in scene.ovs_ports:
        return Reason.OVS_PORT
    return None


def used_now(link: LinkDetails) -> Reason | None:
    """Why the device is in use by what the kernel shows of it; None when nothing says so."""
    if link.up:
        return Reason.UP
    if link.carrier:
        return Reason.CARRIER
    if link.master:
        return Reason.PORT
    if link.tun is not None and (link.tun.queues or not link.tun.persist):
        return Reason.OPEN
    if link.xdp:
        return Reason.PROGRAM
    if link.promiscuity:
        return Reason.PROMISCUOUS
    return None


def still_dead(then: LinkDetails, now: LinkDetails | None, reason: Reason) -> Reason | None:
    """Why a device that was judged dead for `reason` must be kept after all, by what the kernel shows of it now.

    The index alone names nothing: it may have been given to another device meanwhile.
    """
    same = now is not None and all(
        getattr(then, what) == getattr(now, what) for what in ("name", "kind", "mac", "alias", "lower", "lower_netnsid")
    )
    if now is None or not same:
        return Reason.CHANGED
    return None if reason is Reason.OURS_NOT_IN_INTENT else used_now(now)
