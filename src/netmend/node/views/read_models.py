"""All that the page may read of a node, as plain values (docs/status.md)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from netmend.node.device_history import as_columns
from netmend.node.state import NodeState
from netmend.node.views.listing import (
    MOST,
    Page,
    Ports,
    lease_page,
    network_detail,
    network_page,
    network_rows,
)
from netmend.node.views.live import Live, TooManyWatchers
from netmend.node.views.overview import overview
from netmend.node.views.port import port_detail
from netmend.node.views.propagation import PropagationView
from netmend.node.views.reach import reach
from netmend.node.views.reach_question import read_question
from netmend.node.views.shapes import STATES, Clock, event_json, find_network
from netmend.node.views.topology import NETWORKS_MAX, topology

__all__ = ["TooManyWatchers", "Views"]

_LONGEST_SPAN: Final = 172_800
_LONGEST_TEXT: Final = 256
_BIGGEST_OFFSET: Final = 10_000_000


class Views:
    """The read models of one node. Queries are texts by name; a bad one raises ValueError with a sentence."""

    def __init__(self, node: NodeState) -> None:
        self._node = node
        self._clock = Clock()
        self._ports = Ports(node)
        self._propagation = PropagationView()
        self.live = Live(node, self._clock)

    def overview(self) -> dict[str, Any]:
        return overview(self._node, self._clock)

    def networks(self, query: Mapping[str, str]) -> dict[str, Any]:
        return network_page(network_rows(self._node), _page(query))

    def network(self, text: str) -> dict[str, Any] | None:
        """By id or name; None when there is none."""
        network = find_network(self._node, text)
        return network_detail(self._node, network, self._clock) if network else None

    async def ports(self, query: Mapping[str, str], network: str | None = None) -> dict[str, Any] | None:
        """Of one network, or of all; None when there is no such network."""
        found = find_network(self._node, network) if network is not None else None
        if network is not None and found is None:
            return None
        page = _page(query)
        return await asyncio.to_thread(self._ports.page, page, found)

    def port(self, port_id: str) -> dict[str, Any] | None:
        """One port by its id; None when there is none."""
        return port_detail(self._node, port_id, self._clock)

    def topology(self, query: Mapping[str, str]) -> dict[str, Any]:
        limit = _number(query, "limit", NETWORKS_MAX, 1, NETWORKS_MAX)
        return topology(self._node, query.get("q", "")[:_LONGEST_TEXT], limit)

    def reach(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Whether one guest reaches another, and why not."""
        intent = self._node.intent.intent
        return reach(intent, read_question(intent, query))

    def try_again(self, text: str) -> dict[str, Any] | None:
        """Have a network looked at now, by id or name, or with an empty text all; None when there is no such one."""
        network = find_network(self._node, text) if text else None
        if text and network is None:
            return None
        self._node.try_again(network.id if network else None)
        return {"network": network.id if network else None}

    def leases(self, query: Mapping[str, str], network: str) -> dict[str, Any] | None:
        found = find_network(self._node, network)
        return lease_page(self._node, found, _page(query)) if found else None

    def history(self, query: Mapping[str, str]) -> dict[str, list[float]]:
        span = _number(query, "span", 900, 1, _LONGEST_SPAN)
        return as_columns(self._node.history.since(span))

    def events(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        number = _number(query, "since", 0, 0, 1 << 62)
        return [event_json(self._node, event) for event in self._node.journal.since(number)]

    async def propagation(self) -> dict[str, Any]:
        return await self._propagation.get()

    def drawing(self, number: int) -> str | None:
        return self._propagation.drawing(number)

    def follow(self, query: Mapping[str, str]) -> AsyncIterator[tuple[str, Any]]:
        """Changes as they come (`Live.follow`), and each change of `network`, an id. Raises TooManyWatchers."""
        return self.live.follow(query.get("network") or None)


def _page(query: Mapping[str, str]) -> Page:
    state = query.get("state", "")
    if state and state not in STATES:
        raise ValueError(f"state: no state {state!r}; there are: {', '.join(STATES)}")
    return Page(
        offset=_number(query, "offset", 0, 0, _BIGGEST_OFFSET),
        limit=_number(query, "limit", 100, 1, MOST),
        text=query.get("q", "")[:_LONGEST_TEXT],
        sort=query.get("sort", "")[:32],
        state=state,
    )


def _number(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise ValueError(f"{name}: expected a whole number from {least} to {most}, not {text[:40]!r}")
    return int(text)
