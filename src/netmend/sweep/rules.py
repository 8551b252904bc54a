"""Which devices are dead, as functions of what was seen; pure.

A rule holds in full or the device is kept: each condition that fails is a reason to keep it, and the first is reported.
"""

from collections.abc import Mapping

from netmend.intent.names import host_device_names
from netmend.intent.network import Intent
from netmend.kernel.link_details import LinkDetails
from netmend.kernel.link_settings import IFF_PROMISC
from netmend.sweep.kinds import ForeignKind
from netmend.sweep.known import Known
from netmend.sweep.scene import Reason, Scene, Unit, is_ours


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
    return Unit((link,), reason or (Reason.BRIDGE_PORT_UNUSED if link.master else Reason.TAP_UNUSED))


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
    if reason is None and _used(peer, scene, known):
        reason = Reason.PEER_USED
    dead = Reason.BRIDGE_PORT_UNUSED if link.master or peer.master else Reason.PAIR_UNUSED
    return Unit((link, peer), reason or dead)


def _used(link: LinkDetails, scene: Scene, known: Known) -> Reason | None:
    """Why somebody may be using the device, as far as the device alone tells."""
    reason = Reason.OURS if is_ours(link) else used_now(link, bridged=scene.bridged(link))
    if reason is not None:
        return reason
    if link.index in scene.stacked:
        return Reason.STACKED
    if link.index in scene.listened:
        return Reason.LISTENED
    if link.index in scene.addressed:
        return Reason.ADDRESS
    if link.index in scene.routed:
        return Reason.ROUTED
    if any(known.knows(name) for name in (link.name, *link.alternative_names)):
        return Reason.KNOWN
    if scene.ovs_ports is None:
        return Reason.OVS_UNKNOWN
    if link.name in scene.ovs_ports:
        return Reason.OVS_PORT
    return None


def used_now(link: LinkDetails, *, bridged: bool) -> Reason | None:
    """Why the device is in use by what the kernel shows of it; None when nothing says so.

    Whoever made a tap most often sets it up, and it stays up when its user ends: only its carrier and its queues tell
    that a descriptor is attached. A bridge forwards nothing to a port that is down or has no carrier, and its being a
    port (`bridged`) counts for nothing; the bridge hears all that passes there, which is one count of promiscuity.
    """
    if link.up and link.tun is None:
        return Reason.UP
    if link.carrier:
        return Reason.CARRIER
    if link.master and not bridged:
        return Reason.PORT
    if link.tun is not None and (link.tun.queues or not link.tun.persist):
        return Reason.OPEN
    if link.xdp:
        return Reason.PROGRAM
    if link.promiscuity > bridged or link.flags & IFF_PROMISC:
        return Reason.PROMISCUOUS
    return None


def still_dead(then: LinkDetails, now: LinkDetails | None, reason: Reason) -> Reason | None:
    """Why a device that was judged dead for `reason` must be kept after all, by what the kernel shows of it now: it is
    another, or shows a sign of use that it did not show when it was judged.

    The index alone names nothing: it may have been given to another device meanwhile.
    """
    same = now is not None and all(
        getattr(then, what) == getattr(now, what) for what in ("name", "kind", "mac", "alias", "lower", "lower_netnsid")
    )
    if now is None or not same:
        return Reason.CHANGED
    if reason is Reason.OURS_NOT_IN_INTENT:
        return None
    queues = [(one.tun.queues, not one.tun.persist) if one.tun else (0, False) for one in (then, now)]
    signs = (
        (now.up > then.up, Reason.UP),
        (now.carrier > then.carrier, Reason.CARRIER),
        (now.master != then.master, Reason.PORT),
        (queues[1] > queues[0], Reason.OPEN),
        (now.xdp > then.xdp, Reason.PROGRAM),
        (now.promiscuity > then.promiscuity, Reason.PROMISCUOUS),
    )
    return next((sign for shown, sign in signs if shown), None)
