"""What services count about guests' requests, added up over all networks."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from netmend.node.state import NodeState

Counter = tuple[str, str, str]
"""Service, what it counts, and the kind: `("dhcp4", "messages_received", "discover")`; the kind may be empty."""


NOW: Final = frozenset(
    {
        ("dns", "under_way"),
        ("dns", "connections_open"),
        ("dns", "cache_entries"),
        ("dns", "cache_octets"),
        ("metadata", "connections"),
    }
)
"""Figures of services that go up and down."""
_OF_NODE: Final = frozenset({("metadata", "nova")})
"""Figures that services give with every network, and that are about all networks."""


def counters_in(service: str, status: Mapping[str, Any]) -> Iterator[tuple[Counter, int]]:
    """The counters of a service's status, whatever its shape; the last key of each is its kind."""
    for what, value in status.items():
        if (service, what) in NOW | _OF_NODE:
            continue
        if _is_count(value):
            yield (service, what, ""), value
        elif isinstance(value, Mapping):
            yield from _below(service, what, value)


def _below(service: str, name: str, status: Mapping[str, Any]) -> Iterator[tuple[Counter, int]]:
    for what, value in status.items():
        if _is_count(value):
            yield (service, name, str(what)), value
        elif isinstance(value, Mapping):
            yield from _below(service, f"{name}_{what}", value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class Totals:
    """Sums over all networks that never go down: what a network counted stays when it goes. Not thread-safe."""

    def __init__(self) -> None:
        self._sums: dict[Counter, int] = {}
        self._last: dict[tuple[str, Counter], int] = {}
        self.now: dict[tuple[str, str], int] = {}
        """Of the last look: what of NOW there was, over all networks."""

    def take(self, node: NodeState) -> Mapping[Counter, int]:
        """Look at every network, and return the sums."""
        found = {network_id: node.serving.status(network_id) for network_id in list(node.intent.intent.networks)}
        return self.add(found)

    def add(self, found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Mapping[Counter, int]:
        """`found`: by network and service, the status."""
        last: dict[tuple[str, Counter], int] = {}
        self.now = {}
        for network_id, services in found.items():
            for service, status in services.items():
                for key in (key for key in NOW if key[0] == service and _is_count(status.get(key[1]))):
                    self.now[key] = self.now.get(key, 0) + int(status[key[1]])
                for counter, count in counters_in(service, status):
                    last[network_id, counter] = count
                    before = self._last.get((network_id, counter), 0)
                    grown = count - before if count >= before else count  # made anew, it counts from nothing
                    self._sums[counter] = self._sums.get(counter, 0) + grown
        self._last = last
        return self._sums
