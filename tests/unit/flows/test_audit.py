"""Each check of the audit: what is broken is found, alone, and a switch in order has nothing wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from netmend.flows.audit import audit
from netmend.flows.switch import Bridge, Switch
from netmend.ground.openflow.actions import NORMAL, Action, GotoTable, Output, Resubmit, SetField
from netmend.ground.openflow.fields import BY_NAME, BY_TITLE
from netmend.ground.openflow.flow import Flow, Match
from netmend.ground.openflow.switch import BridgePort

WHOLE = 0xFFFFFFFF
MACS = {5: 0xFA163E000005, 6: 0xFA163E000006, 7: 0xFA163E000007}
RED, BLUE = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


def guest(name: str, number: int, tag: int, network: str, segment: int) -> BridgePort:
    other = {"net_uuid": network, "network_type": "vxlan", "segmentation_id": str(segment), "tag": str(tag)}
    ids = {"iface-id": f"id-of-{name}", "attached-mac": MACS[number].to_bytes(6, "big").hex(":")}
    return BridgePort(name, number, tag=tag, ids=ids, other=other)


GUESTS = (guest("a", 5, 1, RED, 1001), guest("b", 6, 1, RED, 1001), guest("c", 7, 2, BLUE, 1002))


def flow(table: int, priority: int, match: Match, *actions: Action) -> Flow:
    return Flow(table, priority, match, actions)


def on(**fields: int) -> dict[str, tuple[int, int]]:
    return {name: (value, BY_NAME[name].whole) for name, value in fields.items()}


def of_port(port: BridgePort) -> list[Flow]:
    """What Neutron's firewall has of a port, as far as the audit asks."""
    number, mac = port.number or 0, MACS[port.number or 0]
    mine, taken = on(in_port=number, reg5=number), SetField(BY_NAME["reg5"], number, WHOLE)
    return [
        flow(60, 100, on(in_port=number), taken, SetField(BY_NAME["reg6"], port.tag or 0, WHOLE), Resubmit(71)),
        flow(71, 95, mine | on(eth_type=0x806, eth_src=mac, arp_spa=0x0A000000 + number), Resubmit(94)),
        flow(71, 10, mine, Resubmit(93)),
        flow(81, 100, on(eth_type=0x806, reg5=number), Output(number)),
    ]


def tunnel(segment: int, vlan: int) -> Flow:
    return flow(4, 1, on(tun_id=segment), SetField(BY_TITLE["OXM_OF_VLAN_VID"], 0x1000 | vlan, 0x1FFF), GotoTable(10))


PIPELINE = [
    flow(0, 0, {}, GotoTable(60)),
    flow(23, 0, {}),
    flow(60, 1, {}, Output(NORMAL)),
    flow(93, 0, {}),
    flow(94, 1, {}, Output(NORMAL)),
]
FLOWS = (*PIPELINE, *(one for port in GUESTS for one in of_port(port)))
TUNNELS = (tunnel(1001, 1), tunnel(1002, 2), flow(10, 1, {}, Output(1)), flow(22, 0, {}))


def switch(
    ports: Sequence[BridgePort] = GUESTS, flows: Sequence[Flow] = FLOWS, tunnels: Sequence[Flow] = TUNNELS
) -> Switch:
    to_tunnels = BridgePort("patch-tun", 2, "patch", peer="patch-int")
    to_guests = BridgePort("patch-int", 1, "patch", peer="patch-tun")
    return Switch({
        "br-int": Bridge("br-int", (to_tunnels, *ports), tuple(flows)),
        "br-tun": Bridge("br-tun", (to_guests,), tuple(tunnels)),
    })  # fmt: skip


def found(world: Switch) -> set[tuple[str, str, str | None]]:
    return {(finding.check, finding.effect, finding.port) for finding in audit(world)}


def with_first(**changes: Any) -> Sequence[BridgePort]:
    return (replace(GUESTS[0], **changes), *GUESTS[1:])


def without(keep: Callable[[Flow], bool]) -> Sequence[Flow]:
    return [one for one in FLOWS if not keep(one)]


def test_a_switch_in_order_has_nothing_wrong() -> None:
    assert found(switch()) == set()


def test_nothing_is_wrong_where_no_port_has_a_firewall() -> None:
    """Under Neutron's drivers noop and iptables_hybrid, which have no flows of ports."""
    assert found(switch(flows=PIPELINE)) == set()


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (switch(with_first(tag=None)), {("no-vlan", "leak", "a"), ("strangers", "leak", "c")}),
        (switch(with_first(tag=4095)), {("dead-vlan", "blocked", "a")}),
        (switch(with_first(error="could not open network device a")), {("device", "blocked", "a")}),
        (
            switch(flows=without(lambda one: one.table == 60 and one.match == on(in_port=5))),
            {("unfiltered", "leak", "a"), ("spoofing", "leak", "a")},
        ),
        (
            switch(flows=without(lambda one: one.table == 81 and one.match.get("reg5") == (5, WHOLE))),
            {("half-filtered", "blocked", "a")},
        ),
        (
            switch(flows=[*FLOWS, flow(71, 99, on(in_port=5, eth_type=0x806), Resubmit(94))]),
            {("spoofing", "leak", "a")},
        ),
        (switch(flows=[*FLOWS, flow(71, 10, on(in_port=9, reg5=9), Resubmit(93))]), {("leftover", "leftover", None)}),
        (
            switch((GUESTS[0], GUESTS[1], replace(GUESTS[2], tag=1))),
            {("shared-vlan", "leak", None), ("tunnel-in", "leak", None), *(("strangers", "leak", at) for at in "abc")},
        ),
        (
            switch(with_first(tag=3)),
            {("split-network", "blocked", None), ("tunnel-in", "leak", None)},
        ),
        (switch(tunnels=(*TUNNELS[1:],)), {("tunnel-in", "blocked", None)}),
        (switch(tunnels=(tunnel(1001, 2), *TUNNELS[1:])), {("tunnel-in", "leak", None)}),
    ],
)  # fmt: skip
def test_what_is_broken_is_found_and_nothing_else(world: Switch, expected: set[tuple[str, str, str | None]]) -> None:
    assert found(world) == expected


def test_what_leaks_comes_first_and_each_finding_says_what_to_do() -> None:
    leaking = [*FLOWS, flow(71, 99, on(in_port=6, eth_type=0x806), Resubmit(94))]
    world = switch((*GUESTS[:2], replace(GUESTS[2], tag=4095)), leaking)
    findings = audit(world)
    assert [finding.effect for finding in findings] == ["leak", "blocked"]
    assert findings[0].lines() == [
        "leak: b on br-int (id-of-b): it may send ARP from a MAC that is not its own, which reach a",
        "    seen: netmend flows trace b arp,dl_src=02:00:5e:10:00:01,dl_dst=ff:ff:ff:ff:ff:ff,arp_op=1",
        f"    mend: {findings[0].mend}",
    ]
