"""A switch with all that decides the way of a packet: flows, ports, and what it learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from netmend.flows.lookup import Table, tables_of
from netmend.ground.openflow.actions import LOCAL
from netmend.ground.openflow.flow import Flow
from netmend.ground.openflow.switch import BridgePort


@dataclass(frozen=True)
class Bridge:
    """`learned` are ports by VLAN and MAC; None stands for the bridge's own."""

    name: str
    ports: tuple[BridgePort, ...]
    flows: tuple[Flow, ...]
    learned: Mapping[tuple[int, int], int | None] = field(default_factory=dict)
    datapath: str = "system"

    @cached_property
    def by_number(self) -> Mapping[int, BridgePort]:
        return {number_of(port, self.name): port for port in self.ports if port.number is not None}

    @cached_property
    def tables(self) -> Mapping[int, Table]:
        return tables_of(self.flows)


def number_of(port: BridgePort, bridge: str) -> int:
    """The number by which flows know a port: that of the bridge's own is `LOCAL`."""
    return LOCAL if port.name == bridge or port.number is None else port.number


@dataclass(frozen=True)
class Switch:
    bridges: Mapping[str, Bridge]

    @cached_property
    def place_of(self) -> Mapping[str, tuple[Bridge, int]]:
        """By a port's name: its bridge and number there."""
        return {
            port.name: (bridge, number) for bridge in self.bridges.values() for number, port in bridge.by_number.items()
        }
