"""Which flow a packet meets (ovs-fields(7), "Conjunctive Match Fields")."""

from netmend.flows.lookup import Table
from netmend.ground.openflow.actions import Conjunction, Output
from netmend.ground.openflow.flow import Flow

WHOLE = 0xFFFFFFFF


def flow(priority: int, match: dict[str, int], *conjunctions: tuple[int, int, int]) -> Flow:
    actions = tuple(Conjunction(number, clause - 1, clauses) for number, clause, clauses in conjunctions)
    return Flow(0, priority, {name: (value, WHOLE) for name, value in match.items()}, actions or (Output(priority),))


def met(flows: list[Flow], **packet: int) -> int | None:
    found = Table(flows).find(packet)
    return None if found is None else found.priority


def test_the_highest_priority_decides_and_masks_hide_bits() -> None:
    flows = [flow(1, {}), Flow(0, 5, {"nw_src": (0x0A000000, 0xFF000000)}, ()), flow(3, {"in_port": 7})]
    assert met(flows, nw_src=0x0A010203, in_port=7) == 5
    assert met(flows, nw_src=0x0B010203, in_port=7) == 3
    assert met(flows, in_port=8) == 1
    assert met(flows[1:], in_port=8) is None


def test_a_conjunction_is_met_by_all_its_clauses_alone() -> None:
    flows = [
        flow(10, {"nw_src": 1}, (7, 1, 2)),
        flow(10, {"nw_src": 2}, (7, 1, 2), (8, 1, 2)),
        flow(10, {"tp_dst": 80}, (7, 2, 2)),
        flow(10, {"tp_dst": 22}, (8, 2, 2)),
        flow(4, {"conj_id": 7}),
        flow(5, {"conj_id": 8}),
        flow(1, {}),
    ]
    assert met(flows, nw_src=1, tp_dst=80) == 4
    assert met(flows, nw_src=2, tp_dst=80) == 4
    assert met(flows, nw_src=2, tp_dst=22) == 5
    assert met(flows, nw_src=1, tp_dst=22) == 1
    assert met(flows, nw_src=3, tp_dst=80) == 1


def test_a_conjunction_decides_above_lower_flows_and_not_above_its_own_priority() -> None:
    conjunction = [flow(10, {"nw_src": 1}, (7, 1, 2)), flow(10, {"tp_dst": 80}, (7, 2, 2)), flow(2, {"conj_id": 7})]
    packet = {"nw_src": 1, "tp_dst": 80, "in_port": 3}
    assert met([*conjunction, flow(9, {"in_port": 4})], **packet) == 2
    assert met([*conjunction, flow(10, {"in_port": 3})], **packet) == 10
    assert met([*conjunction, flow(11, {"in_port": 3})], **packet) == 11
    assert met([*conjunction, flow(9, {"in_port": 3})], **packet) == 9  # looked up again, it is above conj_id's
