"""A hybrid plug is one unit: its devices are always up, and the guest's tap alone tells whether somebody uses it."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.sweep.test_rules import ASKED, BRIDGE, NEAR, SWITCH, TAP, verdicts

from netmend.intent.names import Mark
from netmend.kernel.link_settings import IFF_PROMISC
from netmend.kernel.ovsdb import InterfaceRow
from netmend.sweep.kinds import KINDS
from netmend.sweep.known import NOTHING_KNOWN, Known
from netmend.sweep.rules import judge_foreign
from netmend.sweep.scene import Reason, Scene

ID = "11111111-aa"
QBR = replace(BRIDGE, name=f"qbr{ID}", up=True, carrier=True)
END = replace(NEAR, up=True, carrier=True, flags=IFF_PROMISC)
QVB = replace(END, name=f"qvb{ID}", index=50, lower=51, master=QBR.index, promiscuity=2)
QVO = replace(END, name=f"qvo{ID}", index=51, lower=50, promiscuity=1)
GUEST = replace(TAP, up=True, master=QBR.index, promiscuity=1)
PLUG = (QBR, QVB, QVO, GUEST)
IN_SWITCH = {QVO.name: InterfaceRow("u", QVO.name, "", {"iface-id": "11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa"})}


def test_all_of_a_plug_without_a_guest_is_one_dead_unit() -> None:
    for plug in (PLUG, PLUG[:3], PLUG[:1], (QBR, GUEST), (replace(QVB, master=0, promiscuity=1), QVO)):
        scene = Scene({link.index: link for link in plug})
        (unit,) = judge_foreign(scene, {"neutron": KINDS["neutron"]}, NOTHING_KNOWN)
        assert unit.reason is Reason.HYBRID_UNUSED and set(unit.links) == set(plug)


def test_one_end_of_the_veth_takes_the_other_along() -> None:
    scene = Scene({link.index: link for link in PLUG})
    (unit,) = judge_foreign(scene, KINDS, NOTHING_KNOWN)
    assert {link.name for link in unit.moved} == {QBR.name, QVB.name, GUEST.name}


@pytest.mark.parametrize(
    ("changed", "around", "reason"),
    [
        ({"tap": {"carrier": True}}, {}, Reason.CARRIER),
        ({}, {"open_taps": {GUEST.name: 7}}, Reason.OPEN),
        ({}, {"all_seen": False}, Reason.UNSEEN),
        ({"tap": {"promiscuity": 2}}, {}, Reason.PROMISCUOUS),
        ({"tap": {"master": 9}}, {}, Reason.PORT),
        ({"qvb": {"master": 9}}, {}, Reason.PORT),
        ({"qvo": {"master": 9}}, {}, Reason.PORT),
        ({"qvo": {"promiscuity": 2}}, {}, Reason.PROMISCUOUS),
        ({"qvo": {"xdp": True}}, {}, Reason.PROGRAM),
        ({"qbr": {"alias": str(Mark("bridge", "n"))}}, {}, Reason.OURS),
        ({"qbr": {"master": 9}}, {}, Reason.PORT),
        ({}, {"addressed": {QBR.index}}, Reason.ADDRESS),
        ({}, {"routed": {QVO.index}}, Reason.ROUTED),
        ({}, {"listened": {QVB.index}}, Reason.LISTENED),
        ({}, {"rows": IN_SWITCH}, Reason.OVS_PORT),
        ({}, {"rows": None}, Reason.OVS_UNKNOWN),
        ({"qvb": {"lower": 99}}, {}, Reason.PEER_USED),
        ({"qvo": {"lower_netnsid": 5}}, {"netnsids_alive": {5}}, Reason.PEER_NAMESPACE_ALIVE),
    ],
)
def test_one_sign_of_life_keeps_all(changed: dict[str, dict[str, Any]], around: dict[str, Any], reason: Reason) -> None:
    plug = [replace(link, **changed.get(link.name[:3], {})) for link in PLUG]
    assert verdicts(*plug, **around) == dict.fromkeys((link.name for link in plug), reason)


def test_a_stranger_on_the_bridge_keeps_all() -> None:
    stranger = replace(NEAR, name="vethabcdefg", index=60, lower_netnsid=1, lower=2, master=QBR.index)
    found = verdicts(*PLUG, stranger)
    assert {found[link.name] for link in PLUG} == {Reason.PORT}


def test_the_control_plane_decides_about_a_plug_in_the_switch() -> None:
    plug = (QBR, QVB, replace(QVO, master=SWITCH.index, promiscuity=2))
    for links in (PLUG, plug):
        found = verdicts(*links, SWITCH, known=ASKED, rows=IN_SWITCH)
        assert {found[link.name] for link in links} == {Reason.HYBRID_UNUSED}
        found = verdicts(*links, SWITCH, rows=IN_SWITCH)
        assert {found[link.name] for link in links} == {Reason.OVS_PORT}
    known = Known(ids=frozenset({"11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa"}))
    assert set(verdicts(*PLUG, known=known, rows=IN_SWITCH).values()) == {Reason.KNOWN}
