"""Finding the flow that a packet meets in a table, by conjunctive matches too (ovs-fields(7), section of that name)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby

from netmend.ground.openflow.actions import Conjunction
from netmend.ground.openflow.flow import Flow

Packet = dict[str, int]
"""Fields by name (`ground.openflow.fields`); what a packet does not have is zero."""
_Condition = tuple[Flow, tuple[tuple[str, int, int], ...]]


class Table:
    """Flows of one table, the highest priority first."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._levels: list[tuple[list[_Condition], list[_Condition]]] = []
        ordered = sorted(flows, key=lambda flow: -flow.priority)
        for _, level in groupby(ordered, key=lambda flow: flow.priority):
            deciding: list[_Condition] = []
            conjunctive: list[_Condition] = []
            for flow in level:
                chosen = conjunctive if any(isinstance(action, Conjunction) for action in flow.actions) else deciding
                chosen.append((flow, tuple((name, value, mask) for name, (value, mask) in flow.match.items())))
            self._levels.append((deciding, conjunctive))

    def find(self, packet: Packet) -> Flow | None:
        """The flow that decides; None where there is none.

        A flow whose actions are conjunctions decides nothing by itself. Where such flows of one priority have all
        clauses of a conjunction, and no other flow of that priority matches, the packet is looked up again with its
        `conj_id`.
        """
        for deciding, conjunctive in self._levels:
            if (found := _first(packet, deciding)) is not None:
                return found
            for number in _met(packet, conjunctive):
                if (found := self._find_plain({**packet, "conj_id": number})) is not None:
                    return found
        return None

    def _find_plain(self, packet: Packet) -> Flow | None:
        for deciding, _ in self._levels:
            if (found := _first(packet, deciding)) is not None:
                return found
        return None


def _first(packet: Packet, conditions: Iterable[_Condition]) -> Flow | None:
    for flow, fields in conditions:
        if all(packet.get(name, 0) & mask == value for name, value, mask in fields):
            return flow
    return None


def _met(packet: Packet, conjunctive: Iterable[_Condition]) -> list[int]:
    """The conjunctions of which every clause is met."""
    clauses: dict[tuple[int, int], set[int]] = {}
    for flow, fields in conjunctive:
        if all(packet.get(name, 0) & mask == value for name, value, mask in fields):
            for action in flow.actions:
                if isinstance(action, Conjunction):
                    clauses.setdefault((action.id, action.clauses), set()).add(action.clause)
    return [number for (number, size), met in clauses.items() if len(met) == size]


def tables_of(flows: Iterable[Flow]) -> Mapping[int, Table]:
    """Flows by table."""
    found: defaultdict[int, list[Flow]] = defaultdict(list)
    for flow in flows:
        found[flow.table].append(flow)
    return {number: Table(of_table) for number, of_table in found.items()}
