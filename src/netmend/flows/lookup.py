"""Finding the flow that a packet meets in a table, by conjunctive matches too (ovs-fields(7), section of that name)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from netmend.ground.openflow.actions import Conjunction
from netmend.ground.openflow.fields import BY_NAME
from netmend.ground.openflow.flow import Flow

Packet = dict[str, int]
"""Fields by name (`ground.openflow.fields`); what a packet does not have is zero."""
_KEYS: Final = ("reg5", "in_port", "eth_dst", "conj_id", "nw_src", "tun_id")
_NO_KEY: Final = ("", 0)
_Condition = tuple[Flow, tuple[tuple[str, int, int], ...]]


class _Level:
    """Flows of one priority, by the value of the first field of `_KEYS` that they have whole: a table of a firewall has
    flows of every port, and a packet need be held against those of its own alone."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._by_value: defaultdict[tuple[str, int], list[_Condition]] = defaultdict(list)
        for flow in flows:
            key = next(((name, flow.match[name][0]) for name in _KEYS if _is_whole(flow, name)), _NO_KEY)
            fields = tuple((name, value, mask) for name, (value, mask) in flow.match.items())
            self._by_value[key].append((flow, fields))
        self._names = tuple({name for name, _ in self._by_value})

    def met(self, packet: Packet) -> Iterator[Flow]:
        """The flows that match."""
        for name in self._names:
            for flow, fields in self._by_value.get((name, packet.get(name, 0)), ()):
                if all(packet.get(field, 0) & mask == value for field, value, mask in fields):
                    yield flow


def _is_whole(flow: Flow, name: str) -> bool:
    return name in flow.match and flow.match[name][1] == BY_NAME[name].whole


class Table:
    """Flows of one table, the highest priority first."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._levels: list[tuple[_Level, _Level | None]] = []  # that decide, and of conjunctions
        ordered = sorted(flows, key=lambda flow: -flow.priority)
        for _, level in groupby(ordered, key=lambda flow: flow.priority):
            deciding: list[Flow] = []
            conjunctive: list[Flow] = []
            for flow in level:
                is_part = any(isinstance(action, Conjunction) for action in flow.actions)
                (conjunctive if is_part else deciding).append(flow)
            self._levels.append((_Level(deciding), _Level(conjunctive) if conjunctive else None))

    def find(self, packet: Packet) -> Flow | None:
        """The flow that decides; None where there is none.

        A flow whose actions are conjunctions decides nothing by itself. Where such flows of one priority have all
        clauses of a conjunction, and no other flow of that priority matches, the packet is looked up again with its
        `conj_id`.
        """
        for deciding, conjunctive in self._levels:
            if (found := next(deciding.met(packet), None)) is not None:
                return found
            for number in _met(conjunctive.met(packet)) if conjunctive is not None else ():
                if (found := self._find_plain({**packet, "conj_id": number})) is not None:
                    return found
        return None

    def _find_plain(self, packet: Packet) -> Flow | None:
        for deciding, _ in self._levels:
            if (found := next(deciding.met(packet), None)) is not None:
                return found
        return None


def _met(flows: Iterable[Flow]) -> list[int]:
    """The conjunctions of which every clause is met by one of these flows."""
    clauses: dict[tuple[int, int], set[int]] = {}
    for flow in flows:
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
