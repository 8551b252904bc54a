"""Whether a device of others is dead: by the look, the kinds that are asked for, and what the control plane knows.

Each condition that fails is a reason to keep the device, and the first is reported.
"""

from collections.abc import Mapping

from netmend.kernel.link_details import LinkDetails
from netmend.kernel.link_settings import IFF_PROMISC
from netmend.kernel.ovsdb import InterfaceRow
from netmend.sweep.kinds import ForeignKind
from netmend.sweep.known import Known
from netmend.sweep.scene import Reason, Scene, Unit, is_ours

_OURS_IN_OVS = ("managed-by", "netmend")  # in external_ids, as `wiring` writes it
SWITCH_TYPES = frozenset({"", "internal", "system", "tap"})  # ports that have a device of the host


class Judge:
    """Judges devices of others by the look, the kinds that are asked for, and what the control plane knows."""

    def __init__(self, scene: Scene, kinds: Mapping[str, ForeignKind], known: Known) -> None:
        self.scene = scene
        self.kinds = kinds
        self.known = known

    def covers(self, link: LinkDetails) -> bool:
        """True when a kind that was asked for has such devices."""
        return any(kind.covers(link) for kind in self.kinds.values())

    def controlled(self, name: str) -> bool:
        """True when a control plane must know what has that name."""
        return any(kind.controlled and kind.devices.fullmatch(name) for kind in self.kinds.values())

    def unit(self, link: LinkDetails) -> Unit:
        """The verdict on a device; a veth whose peer is here is judged with it."""
        row = self.row_of(link)
        if link.kind == "openvswitch" or (row is not None and row.type == "internal"):
            return Unit((link,), self._why_internal_is_kept(link) or Reason.OVS_PORT_UNKNOWN, self.rows(link), True)
        return self._veth(link) if link.kind == "veth" else self._tap(link)

    def row_of(self, link: LinkDetails) -> InterfaceRow | None:
        """The device's row in Open vSwitch's database."""
        return self.scene.rows.get(link.name) if self.scene.rows else None

    def rows(self, *links: LinkDetails) -> tuple[InterfaceRow, ...]:
        return tuple(row for link in links if (row := self.row_of(link)) is not None)

    def why_row_is_kept(self, row: InterfaceRow) -> Reason | None:
        """None when the control plane was asked, must know the port, and does not."""
        if _OURS_IN_OVS in row.ids.items():
            return Reason.OURS
        if self.known.knows(row.name) or row.ids.get("iface-id", "").lower() in self.known.ids:
            return Reason.KNOWN
        return None if self.known.given and self.controlled(row.name) else Reason.OVS_PORT

    def unwanted(self, link: LinkDetails) -> bool:
        """Whether it is a port of Open vSwitch that no intent wants; the switch's hold on it does not count
        then."""
        row = self.row_of(link)
        return row is not None and self.why_row_is_kept(row) is None

    def why_kept(self, link: LinkDetails, *, plugged: bool = False) -> Reason | None:
        """Why the device may be in use, as far as the device alone shows. `plugged`: it is part of a hybrid
        plug, whose devices are always up and hear all that passes, and its master has been looked at."""
        if is_ours(link):
            return Reason.OURS
        unwanted = self.unwanted(link)
        master = self.scene.links.get(link.master)
        of_switch = unwanted and master is not None and master.kind == "openvswitch"
        sign = used_now(
            link,
            bridged=plugged or of_switch or self.scene.bridged(link),
            plugged=plugged and link.tun is None,
            heard_by_switch=unwanted,
        )
        return sign or self._why_kept_by_others(link, unwanted=unwanted)

    def _why_kept_by_others(self, link: LinkDetails, *, unwanted: bool) -> Reason | None:
        scene = self.scene
        if link.index in scene.stacked:
            return Reason.STACKED
        if link.index in scene.listened and not (unwanted and link.index in scene.listened_by_switch):
            return Reason.LISTENED
        if link.index in scene.addressed:
            return Reason.ADDRESS
        if link.index in scene.routed:
            return Reason.ROUTED
        if any(self.known.knows(name) for name in (link.name, *link.alternative_names)):
            return Reason.KNOWN
        if scene.rows is None:
            return Reason.OVS_UNKNOWN
        row = self.row_of(link)
        return self.why_row_is_kept(row) if row is not None else None

    def unseen(self) -> Reason | None:
        """The reason to keep a device while a process out of sight might hold it."""
        return None if self.scene.all_seen or self.scene.assume_all_seen else Reason.UNSEEN

    def why_tap_is_kept(self, link: LinkDetails, *, plugged: bool = False) -> Reason | None:
        reason = self.why_kept(link, plugged=plugged)
        if reason is None and link.name in self.scene.open_taps:
            reason = Reason.OPEN
        return reason or self.unseen()

    def _tap(self, link: LinkDetails) -> Unit:
        rows = self.rows(link)
        dead = Reason.BRIDGE_PORT_UNUSED if link.master else Reason.TAP_UNUSED
        return Unit((link,), self.why_tap_is_kept(link) or (Reason.OVS_PORT_UNKNOWN if rows else dead), rows)

    def _veth(self, link: LinkDetails) -> Unit:
        reason = self.why_kept(link)
        if link.lower_netnsid is not None:
            if reason is None and link.lower_netnsid in self.scene.netnsids_alive:
                reason = Reason.PEER_NAMESPACE_ALIVE
            return Unit((link,), reason or self.unseen() or Reason.PEER_NAMESPACE_GONE, self.rows(link))
        peer = self.scene.links.get(link.lower)
        if peer is None or peer.kind != "veth" or peer.lower != link.index:
            # without an id of its namespace the kernel shows the peer's index only when it is here (if_link.h)
            gone = Reason.PEER_GONE if not link.lower else Reason.CHANGED
            return Unit((link,), reason or gone, self.rows(link))
        if reason is None and self.why_kept(peer):
            reason = Reason.PEER_USED
        rows = self.rows(link, peer)
        dead = Reason.BRIDGE_PORT_UNUSED if link.master or peer.master else Reason.PAIR_UNUSED
        return Unit((link, peer), reason or (Reason.OVS_PORT_UNKNOWN if rows else dead), rows)

    def _why_internal_is_kept(self, link: LinkDetails) -> Reason | None:
        """A port of type `internal` is the switch's own device: always with carrier, open to ovs-vswitchd where the
        datapath is in userspace. It is in use when it is up: its user set it up."""
        if is_ours(link):
            return Reason.OURS
        if link.up:
            return Reason.UP
        if self.row_of(link) is None:
            return Reason.OVS_UNKNOWN if self.scene.rows is None else Reason.OVS_PORT
        if link.tun is not None and self.scene.open_taps.get(link.name) not in self.scene.switch_pids:
            return Reason.OPEN
        if link.xdp:
            return Reason.PROGRAM
        if link.promiscuity > 1:
            return Reason.PROMISCUOUS
        return self._why_kept_by_others(link, unwanted=self.unwanted(link))


def used_now(
    link: LinkDetails, *, bridged: bool, plugged: bool = False, heard_by_switch: bool = False
) -> Reason | None:
    """Why the device is in use by what the kernel shows of it; None when nothing says so.

    The maker of a tap most often sets it up, and it stays up when its user ends: only its carrier and its queues show
    that a descriptor is attached. A bridge forwards nothing to a port that is down or has no carrier, and its being a
    port (`bridged`) counts for nothing; the bridge hears all that passes there, which is one count of promiscuity, as
    is the flag that os-vif (`plugged`) or ovs-vswitchd (`heard_by_switch`) sets.
    """
    if link.up and link.tun is None and not plugged:
        return Reason.UP
    if link.carrier and not plugged:
        return Reason.CARRIER
    if link.master and not bridged:
        return Reason.PORT
    if link.tun is not None and (link.tun.queues or not link.tun.persist):
        return Reason.OPEN
    if link.xdp:
        return Reason.PROGRAM
    by_hand = bool(link.flags & IFF_PROMISC)
    if by_hand and not (plugged or heard_by_switch):
        return Reason.PROMISCUOUS
    if link.promiscuity > bool(link.master) + by_hand:
        return Reason.PROMISCUOUS
    return None
