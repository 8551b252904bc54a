"""Networks, ports and leases by the page: filtered, sorted, counted, so that no reader gets 50,000 rows."""

import time
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any, Final

from msgspec import Struct

from netmend.intent.names import namespace_name
from netmend.intent.network import Network
from netmend.intent.port import Port
from netmend.intent.subnet import Subnet
from netmend.intent.subnet6 import Subnet6
from netmend.node.state import NodeState
from netmend.node.views.shapes import (
    STATES,
    Clock,
    PortAnswers,
    answers_by_port,
    lease_json,
    network_json,
    port_json,
    reason_json,
    reasons_by_network,
    steps_json,
    subnets_json,
)
from netmend.reconcile.resync import Reason
from netmend.wiring import bridge_of

MOST: Final = 500
"""Rows of a page at most."""
Row = dict[str, Any]


class Page(Struct, frozen=True):
    """The rows of a list that a reader asks for."""

    offset: int = 0  # the first row
    limit: int = 100  # how many rows
    text: str = ""  # that rows contain
    sort: str = ""  # by a column; `-name`: downwards
    state: str = ""  # of networks

    def cut(self, rows: Sequence[Any]) -> Sequence[Any]:
        return rows[self.offset : self.offset + min(self.limit, MOST)]


def network_row(node: NodeState, network: Network, reasons: Sequence[Reason]) -> Row:
    """A network in a list, with its first subnets and its first reason."""
    subnets = [*map(_cidr, network.subnets[:4]), *map(_cidr, network.subnets6[:4])]
    return {
        **network_json(node, network, has_reasons=bool(reasons)),
        "subnets": subnets[:4],
        "reason": reasons[0].text if reasons else None,
        "reasons_count": len(reasons),
    }


def _cidr(subnet: Subnet | Subnet6) -> str:
    return str(subnet.cidr)


def network_rows(node: NodeState) -> list[Row]:
    """Rows of all networks; `network_page` cuts a page from them."""
    reasons = reasons_by_network(node)
    return [network_row(node, network, reasons.get(network.id, ())) for network in node.intent.intent.networks.values()]


_NETWORK_KEYS: Final[dict[str, Callable[[Row], Any]]] = {
    "state": lambda row: (STATES.index(row["state"]), row["name"]),
    "name": lambda row: row["name"],
    "ports": lambda row: (row["ports_count"], row["name"]),
    "since": lambda row: (row["served_since"] or 0.0, row["name"]),
}


def network_page(rows: Iterable[Row], page: Page) -> dict[str, Any]:
    """A page of `network_rows`, the worst first where no column is named. Raises ValueError."""
    text, chosen = page.text.lower(), list(rows)
    if page.state:
        chosen = [row for row in chosen if row["state"] == page.state]
    if text:
        chosen = [
            row for row in chosen if text in row["name"].lower() or text in row["id"] or _in_any(text, row["subnets"])
        ]
    _sort(chosen, page.sort or "state", _NETWORK_KEYS)
    return {"total": len(chosen), "offset": page.offset, "rows": page.cut(chosen)}


def network_detail(node: NodeState, network: Network, clock: Clock) -> dict[str, Any]:
    """One network, without its ports and leases, which come by the page."""
    reasons = reasons_by_network(node).get(network.id, [])
    plan = node.reconciler.in_progress.get(network.id)
    return {
        **network_row(node, network, reasons),
        "namespace": namespace_name(network.id),
        "namespace_usable": network.id in node.reconciler.open_namespaces,
        "bridge": bridge_of(network),
        "wiring": type(network.wiring).__name__.removesuffix("Wiring").lower(),
        "mtu": network.mtu,
        "project": network.project_id,
        "metadata": network.metadata,
        "domain": network.dns.domain if network.dns else None,
        "subnets": subnets_json(network),
        "reasons": [reason_json(node, reason, clock) for reason in reasons],
        "in_progress": steps_json(plan) if plan else None,
        "services": node.serving.status(network.id),
    }


class Ports:
    """Ports by the page, of one network or of all. Thread-safe: searching 50,000 is not for the node's loop."""

    def __init__(self, node: NodeState) -> None:
        self._node = node
        self._texts: dict[str, tuple[Network, list[tuple[str, Port]]]] = {}
        self._lock = Lock()

    def page(self, page: Page, network: Network | None = None) -> dict[str, Any]:
        """Raises ValueError for an unknown column."""
        networks = self._node.intent.intent.networks
        chosen = [network] if network is not None else list(networks.values())
        text = page.text.lower()
        found = [(one, port) for one in chosen for port in self._matching(one, text)]
        if page.sort:
            _sort(found, page.sort, _PORT_KEYS)
        answers: dict[str, dict[str, PortAnswers]] = {}
        rows = []
        for one, port in page.cut(found):
            if one.id not in answers:
                answers[one.id] = answers_by_port(self._node.serving.leases(one.id))
            rows.append(port_json(one, port, answers[one.id].get(port.id)))
        with self._lock:
            for gone in self._texts.keys() - networks.keys():
                del self._texts[gone]
        return {"total": len(found), "offset": page.offset, "rows": rows}

    def _matching(self, network: Network, text: str) -> Iterable[Port]:
        if not text:
            return network.ports.values()
        with self._lock:
            known = self._texts.get(network.id)
            if known is None or known[0] is not network:
                texts = [(_port_text(port), port) for port in network.ports.values()]
                known = self._texts[network.id] = (network, texts)
        return [port for words, port in known[1] if text in words]


_PORT_KEYS: Final[dict[str, Callable[[tuple[Network, Port]], Any]]] = {
    "name": lambda pair: (pair[1].name, pair[0].name),
    "mac": lambda pair: pair[1].mac,
    "network": lambda pair: (pair[0].name, pair[1].name),
    "address": lambda pair: tuple(map(int, pair[1].fixed_ips)),
}


def _port_text(port: Port) -> str:
    words = (port.name, port.mac, port.id, port.hostname or "", *map(str, port.addresses))
    return "\n".join(words).lower()


def lease_page(node: NodeState, network: Network, page: Page) -> dict[str, Any]:
    """The dynamic leases of a network: its ports' own addresses are with the ports."""
    text = page.text.lower()
    found = [
        lease
        for lease in node.serving.leases(network.id)
        if lease.state != "reserved" and (text in str(lease.address) or text in (lease.mac or ""))
    ]
    found.sort(key=lambda lease: int(lease.address))
    rows = [lease_json(lease) for lease in page.cut(found)]
    return {"total": len(found), "offset": page.offset, "rows": rows, "at": time.time()}


def _sort(rows: list[Any], column: str, keys: dict[str, Callable[[Any], Any]]) -> None:
    key = keys.get(column.removeprefix("-"))
    if key is None:
        raise ValueError(f"sort: no column {column.removeprefix('-')}; there are {', '.join(sorted(keys))}")
    rows.sort(key=key, reverse=column.startswith("-"))


def _in_any(text: str, values: Iterable[str]) -> bool:
    return any(text in value for value in values)
