"""A switch with all that decides the way of a packet: flows, ports, and what it learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from netmend.flows.lookup import Table, tables_of
from netmend.ground.openflow.actions import LOCAL
from netmend.ground.openflow.flow import Flow
from netmend.ground.openflow.switch import BridgePort

Role = Literal["integration", "tunnel", "provider"]
_OF_INTEGRATION: Final = {23, 60}  # tables that Neutron gives an integration bridge alone
_OF_TUNNELS: Final = {10, 22}


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

    @cached_property
    def role(self) -> Role:
        """What Neutron's agent uses it for: guests are on the integration bridge, tunnels on the tunnel bridge."""
        numbers = {flow.table for flow in self.flows}
        if any(port.neutron_id for port in self.ports) or numbers & _OF_INTEGRATION:
            return "integration"
        return "tunnel" if numbers >= _OF_TUNNELS else "provider"


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
