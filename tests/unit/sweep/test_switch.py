"""Ports in Open vSwitch's database without a device: dead when the control plane was asked and no namespace has it."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs
from tests.unit.sweep.test_rules import ASKED, TAP

from netmend.kernel.ovsdb import InterfaceRow
from netmend.sweep.judge import Judge
from netmend.sweep.kinds import KINDS
from netmend.sweep.known import NOTHING_KNOWN, Known
from netmend.sweep.scene import Reason, Scene
from netmend.sweep.switch import judge_rows

ROW = InterfaceRow("u", "tap66666666-aa", "internal")
GONE = "could not open network device tap66666666-aa (No such device)"
KNOWN = Known(ids=frozenset({"66666666-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "66666666-aa"}))


def verdict(row: InterfaceRow, known: Known = ASKED, **around: Any) -> Reason | None:
    scene = Scene(**{"links": {}, "rows": {row.name: row}, **around})
    found = judge_rows(Judge(scene, {"neutron": KINDS["neutron"]}, known))
    return found[0].reason if found else None


@pytest.mark.parametrize(
    ("row", "around", "reason"),
    [
        (ROW, {}, Reason.OVS_ROW_UNKNOWN),
        (structs.replace(ROW, type=""), {}, Reason.OVS_ROW_UNKNOWN),
        (structs.replace(ROW, number=-1, error=GONE), {"all_seen": False, "elsewhere": None}, Reason.OVS_ROW_UNKNOWN),
        (ROW, {"elsewhere": {ROW.name}}, Reason.NAMESPACE_ALIVE),
        (structs.replace(ROW, error=GONE), {"elsewhere": {ROW.name}}, Reason.NAMESPACE_ALIVE),
        (structs.replace(ROW, number=7), {"switch_pids": {1}}, Reason.NAMESPACE_ALIVE),
        (structs.replace(ROW, number=7), {}, Reason.OVS_ROW_UNKNOWN),
        (ROW, {"all_seen": False}, Reason.UNSEEN),
        (ROW, {"elsewhere": None, "assume_all_seen": True}, Reason.UNSEEN),
        (ROW, {"all_seen": False, "assume_all_seen": True}, Reason.OVS_ROW_UNKNOWN),
        (structs.replace(ROW, ids={"managed-by": "netmend"}), {}, Reason.OURS),
        (structs.replace(ROW, type="patch"), {}, None),
        (structs.replace(ROW, type="vxlan"), {}, None),
        (structs.replace(ROW, type="dpdkvhostuserclient"), {}, None),
        (structs.replace(ROW, name="br-int"), {}, None),
        (structs.replace(ROW, name="int-br-ex"), {}, None),
        (ROW, {"links": {2: replace(TAP, name=ROW.name)}}, None),
        (ROW, {"links": {2: replace(TAP, alternative_names=(ROW.name,))}}, None),
    ],
)
def test_what_a_port_without_a_device_is(row: InterfaceRow, around: dict[str, Any], reason: Reason | None) -> None:
    assert verdict(row, **around) is reason


def test_only_the_control_plane_can_say() -> None:
    assert verdict(ROW, NOTHING_KNOWN) is Reason.OVS_ROW_UNASKED
    assert verdict(ROW, KNOWN) is Reason.KNOWN
    odd = structs.replace(ROW, name="tap77777777-aa", ids={"iface-id": "66666666-AAAA-4aaa-8aaa-aaaaaaaaaaaa"})
    assert verdict(odd, KNOWN) is Reason.KNOWN
    assert verdict(structs.replace(odd, ids={}), KNOWN) is Reason.OVS_ROW_UNKNOWN
