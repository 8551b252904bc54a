"""Hybrid plugs, one unit each: what os-vif makes of a port that a Linux bridge filters before Open vSwitch does
(vif_plug_ovs, `_plug_bridge`): bridge `qbr`, with the guest's `tap` and one end of a veth, `qvb`, as ports; its other
end, `qvo`, is the port of the switch. All are up, whether there is a guest or not; the guest's tap alone tells.
"""

import re
from collections.abc import Iterator
from typing import Final

from netmend.kernel.link_details import LinkDetails
from netmend.sweep.judge import Judge
from netmend.sweep.scene import Reason, Unit

_PART: Final = re.compile(r"(qbr|qvb|qvo)([0-9a-f]{8}-[0-9a-f]{2})")
_KIND: Final = {"qbr": "bridge", "qvb": "veth", "qvo": "veth"}


def judge_plugs(judge: Judge) -> list[Unit]:
    """Every plug with its bridge, or with an end of the veth that is up; the rest are judged as ordinary pairs."""
    by_id: dict[str, dict[str, LinkDetails]] = {}
    by_name = {link.name: link for link in judge.scene.links.values()}
    for link in judge.scene.links.values():
        match = _PART.fullmatch(link.name)
        if match and link.kind == _KIND[match[1]]:
            by_id.setdefault(match[2], {})[match[1]] = link
    members = _members(judge)
    units = []
    for short_id, plug in by_id.items():
        if "qbr" not in plug and not any(link.up for link in plug.values()):
            continue
        tap = by_name.get(f"tap{short_id}")
        if tap is not None and tap.tun is not None:
            plug["tap"] = tap
        links = tuple(plug[part] for part in ("qbr", "qvb", "qvo", "tap") if part in plug)
        reason = next(_why_kept(judge, plug, members), None)
        units.append(Unit(links, reason or Reason.HYBRID_UNUSED, judge.rows(*links)))
    return units


def _members(judge: Judge) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for link in judge.scene.links.values():
        if link.master:
            found.setdefault(link.master, set()).add(link.index)
    return found


def _why_kept(judge: Judge, plug: dict[str, LinkDetails], members: dict[int, set[int]]) -> Iterator[Reason]:
    """Every reason to keep the plug, the guest's first."""
    bridge = plug.get("qbr")
    tap = plug.get("tap")
    own = {link.index for link in plug.values()}
    masters = {0, bridge.index} if bridge is not None else {0}
    if tap is not None:
        reason = judge.why_tap_is_kept(tap, plugged=True)
        if reason is not None:
            yield reason
    for part, link in plug.items():
        if part == "tap":
            if link.master not in masters:
                yield Reason.PORT
            continue
        if part == "qvo":
            master = judge.scene.links.get(link.master)
            of_switch = master is not None and master.kind == "openvswitch"
            if link.master and not (of_switch and judge.unwanted(link)):
                yield Reason.OVS_PORT if of_switch else Reason.PORT
        elif link.master not in (masters if part == "qvb" else {0}):
            yield Reason.PORT
        if part != "qbr":
            yield from _why_end_is_kept(judge, link, own)
        reason = judge.why_kept(link, plugged=True)
        if reason is not None:
            yield reason
    if bridge is not None and members.get(bridge.index, set()) - own:
        yield Reason.PORT


def _why_end_is_kept(judge: Judge, link: LinkDetails, own: set[int]) -> Iterator[Reason]:
    """The other end of the veth is part of the plug, or in a namespace that nobody holds."""
    if link.lower_netnsid is None:
        if link.lower not in own:
            yield Reason.PEER_USED
    elif link.lower_netnsid in judge.scene.netnsids_alive:
        yield Reason.PEER_NAMESPACE_ALIVE
    elif (unseen := judge.unseen()) is not None:
        yield unseen
