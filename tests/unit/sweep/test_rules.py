"""A rule holds in full or the device is kept: one sign of life is enough, whatever else is dead about it."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from netmend.intent import Intent
from netmend.intent.names import DEVICE_GROUP, DOOMED_GROUP, Mark
from netmend.kernel.link_details import IFF_TAP, IFF_TUN, LinkDetails, TunDetails
from netmend.sweep.kinds import KINDS
from netmend.sweep.known import NOTHING_KNOWN, Known
from netmend.sweep.rules import DEAD, Reason, Scene, judge_foreign, judge_ours, still_dead

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

# What one device can show that says that somebody uses it.
ON_THE_DEVICE: dict[Reason, dict[str, object]] = {
    Reason.UP: {"up": True},
    Reason.CARRIER: {"carrier": True},
    Reason.PORT: {"master": 9},
    Reason.PROGRAM: {"xdp": True},
    Reason.PROMISCUOUS: {"promiscuity": 1},
    Reason.OURS: {"alias": str(Mark("guest", "n", "p"))},
}
# What others show.
AROUND: dict[Reason, Callable[[LinkDetails], dict[str, object]]] = {
    Reason.LISTENED: lambda link: {"listened": {link.index}},
    Reason.ADDRESS: lambda link: {"addressed": {link.index}},
    Reason.OVS_PORT: lambda link: {"ovs_ports": {link.name}},
    Reason.OVS_UNKNOWN: lambda link: {"ovs_ports": None},
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
