"""Rules by which devices are dead: pure functions of a look.

A rule holds in full or the device is kept: each condition that fails is a reason to keep it, and the first is reported.
"""

from collections.abc import Mapping

from netmend.intent.names import host_device_names, uplink_host_name
from netmend.intent.network import Intent
from netmend.kernel.link_details import LinkDetails
from netmend.sweep.hybrid import judge_plugs
from netmend.sweep.judge import Judge
from netmend.sweep.kinds import ForeignKind
from netmend.sweep.known import Known
from netmend.sweep.scene import Reason, Scene, Unit, is_ours


def judge_ours(scene: Scene, intent: Intent) -> list[Unit]:
    """Every device of ours; one that intent does not have is dead."""
    wanted: set[str] = set()
    for network in intent.networks.values():
        wanted.update(host_device_names(network))
    wanted.update(map(uplink_host_name, intent.routers))
    return [
        Unit((link,), Reason.IN_INTENT if link.name in wanted else Reason.OURS_NOT_IN_INTENT)
        for link in scene.links.values()
        if is_ours(link)
    ]


def judge_foreign(scene: Scene, kinds: Mapping[str, ForeignKind], known: Known) -> list[Unit]:
    """Every device that one of `kinds` covers, without regard to age. A veth whose peer is here is judged with it, and
    a hybrid plug as one."""
    judge = Judge(scene, kinds, known)
    units = judge_plugs(judge) if any(kind.controlled for kind in kinds.values()) else []
    judged = {link.index for unit in units for link in unit.links}
    for link in scene.links.values():
        if link.index not in judged and judge.covers(link):
            unit = judge.unit(link)
            judged.update(one.index for one in unit.links)
            units.append(unit)
    return units


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
