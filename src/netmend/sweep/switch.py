"""Ports in Open vSwitch's database that have no device: which of them are dead; pure."""

from netmend.kernel.ovsdb import InterfaceRow
from netmend.sweep.judge import SWITCH_TYPES, Judge
from netmend.sweep.scene import Reason, SwitchPort


def judge_rows(judge: Judge) -> list[SwitchPort]:
    """Every port that has no device here and a name that a control plane must know."""
    scene = judge.scene
    here = {name for link in scene.links.values() for name in (link.name, *link.alternative_names)}
    return [
        SwitchPort(row, _why_kept(judge, row) or Reason.OVS_ROW_UNKNOWN)
        for row in (scene.rows or {}).values()
        if row.name not in here and row.type in SWITCH_TYPES and judge.controlled(row.name)
    ]


def _why_kept(judge: Judge, row: InterfaceRow) -> Reason | None:
    """A port without a device here may have it in another namespace: Neutron's agents move devices of
    ports of type `internal`; ovs-vswitchd says when there is none at all."""
    reason = judge.why_row_is_kept(row)
    if reason is not None:
        return Reason.OVS_ROW_UNASKED if reason is Reason.OVS_PORT else reason
    scene = judge.scene
    if scene.elsewhere is not None and row.name in scene.elsewhere:
        return Reason.NAMESPACE_ALIVE
    if row.error is not None and "No such device" in row.error:
        return None
    if scene.switch_pids and row.number is not None and row.number > 0:
        return Reason.NAMESPACE_ALIVE
    if scene.elsewhere is None:
        return Reason.UNSEEN
    return judge.unseen()
