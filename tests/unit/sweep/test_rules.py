"""A rule holds in full or the device is kept: one sign of life is enough, whatever else is dead about it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.intent import Intent
from netmend.intent.names import DEVICE_GROUP, DOOMED_GROUP, Mark
from netmend.kernel.link_details import IFF_TAP, IFF_TUN, LinkDetails, TunDetails
from netmend.kernel.link_settings import IFF_PROMISC
from netmend.kernel.ovsdb import InterfaceRow
from netmend.sweep.kinds import KINDS
from netmend.sweep.known import NOTHING_KNOWN, Known
from netmend.sweep.rules import judge_foreign, judge_ours, still_dead
from netmend.sweep.scene import DEAD, Reason, Scene

TUN = TunDetails(IFF_TAP, None, None, False, True, True, False, 0)
TAP = LinkDetails(
    2,
    "tap11111111-aa",
    "tun",
    "02:00:00:00:00:01",
    1500,
    False,
    False,
    0,
    0,
    None,
    0,
    None,
    1000,
    1,
    1,
    0,
    False,
    (),
    TUN,
)
NEAR = replace(TAP, index=3, name="tap22222222-bb", kind="veth", tun=None, lower=4)
FAR = replace(NEAR, index=4, name="ns-22222222-bb", lower=3)

BRIDGE = replace(TAP, index=30, name="br-lb", kind="bridge", tun=None)
BOND = replace(BRIDGE, index=31, name="bond0", kind="bond")

# What one device can show that says that somebody uses it; a tap is often set up by whoever makes it.
ON_THE_DEVICE: dict[Reason, dict[str, object]] = {
    Reason.UP: {"up": True},
    Reason.CARRIER: {"carrier": True},
    Reason.PORT: {"master": 9},
    Reason.PROGRAM: {"xdp": True},
    Reason.PROMISCUOUS: {"promiscuity": 2},
    Reason.OURS: {"alias": str(Mark("guest", "n", "p"))},
}
# What others show.
AROUND: dict[Reason, Callable[[LinkDetails], dict[str, object]]] = {
    Reason.LISTENED: lambda link: {"listened": {link.index}},
    Reason.ROUTED: lambda link: {"routed": {link.index}},
    Reason.ADDRESS: lambda link: {"addressed": {link.index}},
    Reason.OVS_PORT: lambda link: {"rows": {link.name: InterfaceRow("u", link.name, "")}},
    Reason.OVS_UNKNOWN: lambda link: {"rows": None},
}


def verdicts(*links: LinkDetails, known: Known = NOTHING_KNOWN, **around: object) -> dict[str, Reason]:
    scene = Scene({link.index: link for link in links}, **around)  # type: ignore[arg-type]
    return {link.name: unit.reason for unit in judge_foreign(scene, KINDS, known) for link in unit.links}


def test_what_is_dead() -> None:
    assert verdicts(TAP, NEAR, FAR) == {
        TAP.name: Reason.TAP_UNUSED,
        NEAR.name: Reason.PAIR_UNUSED,
        FAR.name: Reason.PAIR_UNUSED,
    }
    assert verdicts(replace(NEAR, lower=0)) == {NEAR.name: Reason.PEER_GONE}
    assert verdicts(replace(NEAR, lower_netnsid=5)) == {NEAR.name: Reason.PEER_NAMESPACE_GONE}


@given(
    st.sets(st.sampled_from(sorted(ON_THE_DEVICE)), max_size=3),
    st.sets(st.sampled_from(sorted(AROUND)), max_size=3),
    st.sampled_from([TAP, NEAR, FAR]),
)
def test_one_sign_of_life_keeps_a_tap_and_a_whole_pair(
    on: set[Reason], around: set[Reason], chosen: LinkDetails
) -> None:
    if chosen is TAP:
        on = on - {Reason.UP}
    changed: dict[str, object] = {}
    for reason in on:
        changed |= ON_THE_DEVICE[reason]
    surroundings: dict[str, object] = {}
    for reason in around:
        surroundings |= AROUND[reason](chosen)
    links = [replace(link, **changed) if link is chosen else link for link in (TAP, NEAR, FAR)]  # type: ignore[arg-type]
    found = verdicts(*links, **surroundings)  # type: ignore[arg-type]
    alive = bool(on or around)
    together = {TAP.name} if chosen is TAP else {NEAR.name, FAR.name}
    assert all((found[name] in DEAD) is not alive for name in together)
    if chosen is TAP and len(on) + len(around) == 1:
        assert {found[TAP.name]} == on | around
    if Reason.OVS_UNKNOWN not in around:
        assert all(reason in DEAD for name, reason in found.items() if name not in together)


def test_signs_of_life_of_a_tap_alone() -> None:
    assert verdicts(TAP, open_taps={TAP.name: 1}) == {TAP.name: Reason.OPEN}
    assert verdicts(replace(TAP, tun=replace(TUN, queues=1))) == {TAP.name: Reason.OPEN}
    assert verdicts(replace(TAP, tun=replace(TUN, persist=False))) == {TAP.name: Reason.OPEN}
    assert verdicts(TAP, replace(TAP, index=9, name="v", kind="vlan", tun=None, lower=2)) == {TAP.name: Reason.STACKED}
    assert verdicts(replace(TAP, tun=replace(TUN, type=IFF_TUN))) == {}


def test_what_cannot_be_seen_keeps() -> None:
    away = replace(NEAR, lower_netnsid=5)
    assert verdicts(TAP, away, all_seen=False) == {TAP.name: Reason.UNSEEN, NEAR.name: Reason.UNSEEN}
    assert verdicts(TAP, all_seen=False, assume_all_seen=True) == {TAP.name: Reason.TAP_UNUSED}
    assert verdicts(away, netnsids_alive={5}) == {NEAR.name: Reason.PEER_NAMESPACE_ALIVE}
    assert verdicts(replace(NEAR, lower=77)) == {NEAR.name: Reason.CHANGED}


def test_what_the_control_plane_knows_is_kept_by_name_and_by_id() -> None:
    for known in (Known(frozenset({FAR.name})), Known(ids=frozenset({"22222222-bb"}))):
        found = verdicts(TAP, NEAR, FAR, known=known)
        assert found[TAP.name] in DEAD and found[NEAR.name] not in DEAD and found[FAR.name] not in DEAD
    named = replace(TAP, alternative_names=("long-name",))
    assert verdicts(named, known=Known(frozenset({"long-name"}))) == {TAP.name: Reason.KNOWN}


def test_ours_is_told_by_mark_and_intent_not_by_name() -> None:
    ours = replace(TAP, alias=str(Mark("guest", "n", "p")), up=True, carrier=True)
    half_made = replace(TAP, index=7, name="tap7", group=DEVICE_GROUP)
    doomed = replace(TAP, index=8, name="tap8", group=DOOMED_GROUP)
    scene = Scene({link.index: link for link in (ours, half_made, doomed, NEAR, FAR)})
    found = {unit.links[0].name: unit.reason for unit in judge_ours(scene, Intent())}
    assert found == dict.fromkeys((ours.name, "tap7", "tap8"), Reason.OURS_NOT_IN_INTENT)


def test_a_device_is_the_same_only_with_all_that_names_it() -> None:
    assert still_dead(TAP, TAP, Reason.TAP_UNUSED) is None
    assert still_dead(TAP, None, Reason.TAP_UNUSED) is Reason.CHANGED
    for what in ({"name": "x"}, {"kind": "veth"}, {"mac": "02:00:00:00:00:02"}, {"alias": "x"}, {"lower": 1}):
        assert still_dead(TAP, replace(TAP, **what), Reason.TAP_UNUSED) is Reason.CHANGED
    for reason, change in ON_THE_DEVICE.items():
        now = replace(TAP, **change)  # type: ignore[arg-type]
        assert still_dead(TAP, now, Reason.TAP_UNUSED) in {reason, Reason.CHANGED}


def test_a_tap_that_is_up_is_dead_unless_somebody_holds_or_uses_it() -> None:
    up = replace(TAP, up=True)
    assert verdicts(up) == {TAP.name: Reason.TAP_UNUSED}
    for around, reason in (
        ({"open_taps": {TAP.name: 1}}, Reason.OPEN),
        ({"listened": {TAP.index}}, Reason.LISTENED),
        ({"addressed": {TAP.index}}, Reason.ADDRESS),
        ({"routed": {TAP.index}}, Reason.ROUTED),
        ({"rows": {TAP.name: InterfaceRow("u", TAP.name, "")}}, Reason.OVS_PORT),
        ({"all_seen": False}, Reason.UNSEEN),
    ):
        assert verdicts(up, **around) == {TAP.name: reason}
    assert verdicts(replace(up, carrier=True)) == {TAP.name: Reason.CARRIER}
    assert verdicts(replace(up, flags=IFF_PROMISC)) == {TAP.name: Reason.PROMISCUOUS}
    assert still_dead(up, up, Reason.TAP_UNUSED) is None
    assert still_dead(TAP, up, Reason.TAP_UNUSED) is Reason.UP


def test_being_a_port_of_a_bridge_is_no_use() -> None:
    """A bridge hears all that passes at its ports, which is one count of promiscuity."""
    for up in (False, True):
        port = replace(TAP, master=BRIDGE.index, promiscuity=1, up=up)
        assert verdicts(port, BRIDGE) == {TAP.name: Reason.BRIDGE_PORT_UNUSED}
        assert verdicts(replace(port, promiscuity=2), BRIDGE) == {TAP.name: Reason.PROMISCUOUS}
        assert verdicts(replace(port, carrier=True), BRIDGE) == {TAP.name: Reason.CARRIER}
    for bridged, other in ((NEAR, FAR), (FAR, NEAR)):
        port = replace(bridged, master=BRIDGE.index, promiscuity=1)
        assert set(verdicts(port, other, BRIDGE).values()) == {Reason.BRIDGE_PORT_UNUSED}
        assert set(verdicts(replace(port, up=True), other, BRIDGE).values()) < {Reason.UP, Reason.PEER_USED}
        assert not DEAD & set(verdicts(port, replace(other, up=True), BRIDGE).values())


def test_a_port_of_anything_but_a_strangers_bridge_is_kept() -> None:
    for master in (BOND, replace(BRIDGE, alias=str(Mark("bridge", "n"))), replace(BRIDGE, index=99)):
        assert verdicts(replace(TAP, master=BOND.index if master is BOND else 30), master)[TAP.name] is Reason.PORT


def test_the_tap_by_which_libvirt_gives_a_bridge_its_mac_is_kept() -> None:
    bridge = replace(BRIDGE, name="virbr0")
    for name, reason in (("virbr0-nic", Reason.PORT), ("virbr1-nic", Reason.BRIDGE_PORT_UNUSED)):
        assert verdicts(replace(TAP, name=name, master=bridge.index, promiscuity=1), bridge) == {name: reason}


def test_a_port_that_changed_its_bridge_is_spared() -> None:
    port = replace(TAP, master=30, promiscuity=1)
    assert still_dead(port, port, Reason.BRIDGE_PORT_UNUSED) is None
    assert still_dead(port, replace(port, master=31), Reason.BRIDGE_PORT_UNUSED) is Reason.PORT
    assert still_dead(port, replace(port, promiscuity=2), Reason.BRIDGE_PORT_UNUSED) is Reason.PROMISCUOUS


@pytest.mark.parametrize(
    ("near", "far"),
    [("rfp-44444444-4", "fpr-44444444-4"), ("tapabcdef01-20", "tapabcdef01-21"), ("qvo11111111-aa", "qvb11111111-aa")],
)
def test_neutrons_pairs_are_known_by_name(near: str, far: str) -> None:
    ends = replace(NEAR, name=near), replace(FAR, name=far)
    scene = Scene({link.index: link for link in ends})
    (unit,) = judge_foreign(scene, {"neutron": KINDS["neutron"]}, NOTHING_KNOWN)
    assert unit.dead and {link.name for link in unit.links} == {near, far}


@pytest.mark.parametrize("name", ["rfp-44444444-44", "rfp-44444444-g", "xtap11111111-aa", "tap11111111-aaa", "qr-1"])
def test_names_that_are_not_neutrons(name: str) -> None:
    assert not KINDS["neutron"].covers(replace(TAP, name=name))
    assert not KINDS["neutron"].covers(replace(NEAR, name=name))


# Ports of Open vSwitch, when the control plane was asked and does not know them.

ASKED = Known(ids=frozenset({"99999999-9999-4999-8999-999999999999"}))
SWITCH = replace(BRIDGE, index=40, name="ovs-system", kind="openvswitch")
INTERNAL = replace(TAP, kind="openvswitch", tun=None, carrier=True, promiscuity=1)


def port(link: LinkDetails, **fields: Any) -> dict[str, Any]:
    return {"rows": {link.name: InterfaceRow("u", link.name, **{"type": "", **fields})}}


def test_a_port_that_the_control_plane_does_not_know_goes_with_its_row() -> None:
    listened: dict[str, Any] = {"listened": {TAP.index}, "listened_by_switch": {TAP.index}}
    in_userspace = replace(TAP, promiscuity=1, flags=IFF_PROMISC)
    in_kernel = replace(TAP, master=SWITCH.index, promiscuity=1)
    for link, heard in ((TAP, {}), (in_userspace, listened), (in_kernel, {})):
        around = {**heard, **port(link)}
        assert verdicts(link, SWITCH, known=ASKED, **around) == {TAP.name: Reason.OVS_PORT_UNKNOWN}
        assert verdicts(link, SWITCH, **around)[TAP.name] not in DEAD
    scene = Scene({TAP.index: TAP}, **port(TAP))
    (unit,) = judge_foreign(scene, KINDS, ASKED)
    assert [row.name for row in unit.rows] == [TAP.name]


def test_what_keeps_a_port_that_the_control_plane_does_not_know() -> None:
    listened_by_others = {"listened": {TAP.index}}
    for link, more, around, reason in (
        (TAP, {"ids": {"iface-id": "99999999-9999-4999-8999-999999999999"}}, {}, Reason.KNOWN),
        (TAP, {"ids": {"managed-by": "netmend"}}, {}, Reason.OURS),
        (TAP, {}, listened_by_others, Reason.LISTENED),
        (TAP, {}, {"open_taps": {TAP.name: 7}}, Reason.OPEN),
        (replace(TAP, carrier=True), {}, {}, Reason.CARRIER),
        (replace(TAP, name="tap0"), {}, {}, Reason.OVS_PORT),
        (replace(TAP, master=BOND.index), {}, {}, Reason.PORT),
    ):
        assert verdicts(link, BOND, known=ASKED, **port(link, **more), **around)[link.name] is reason


def test_the_switchs_own_devices_go_with_their_ports() -> None:
    own = {"type": "internal"}
    assert verdicts(INTERNAL, known=ASKED, **port(INTERNAL, **own)) == {TAP.name: Reason.OVS_PORT_UNKNOWN}
    in_userspace = replace(TAP, carrier=True, tun=replace(TUN, persist=False))
    held: dict[str, Any] = {"open_taps": {TAP.name: 7}, **port(TAP, **own)}
    assert verdicts(in_userspace, known=ASKED, switch_pids={7}, **held) == {TAP.name: Reason.OVS_PORT_UNKNOWN}
    assert verdicts(in_userspace, known=ASKED, switch_pids={8}, **held) == {TAP.name: Reason.OPEN}
    for link, around, reason in (
        (replace(INTERNAL, up=True), {}, Reason.UP),
        (INTERNAL, {"addressed": {TAP.index}}, Reason.ADDRESS),
        (replace(INTERNAL, promiscuity=2), {}, Reason.PROMISCUOUS),
    ):
        assert verdicts(link, known=ASKED, **port(INTERNAL, **own), **around) == {TAP.name: reason}
    assert verdicts(INTERNAL, **port(INTERNAL, **own)) == {TAP.name: Reason.OVS_PORT}
    assert verdicts(INTERNAL, known=ASKED) == {TAP.name: Reason.OVS_PORT}
    assert verdicts(INTERNAL, known=ASKED, rows=None) == {TAP.name: Reason.OVS_UNKNOWN}
