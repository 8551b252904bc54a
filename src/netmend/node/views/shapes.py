"""The JSON shapes of what a node shows: a network, a subnet, a port, a lease, a reason, the breaker, a plan.

Each is made here alone, for status, the page and its live data. Their fields are documented in docs/status.md; a
diagnosis makes its own (`netmend.ground.diagnosis`).
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from netmend.intent.names import tap_name
from netmend.intent.network import Network
from netmend.intent.port import Port
from netmend.intent.subnet import Subnet
from netmend.intent.subnet6 import Subnet6
from netmend.node.journal import Event
from netmend.node.state import NodeState
from netmend.reconcile.breaker import BreakerState
from netmend.reconcile.resync import Reason
from netmend.reconcile.steps import Plan
from netmend.services.leases.rows import LeaseRow

STATES: Final = ("not served", "waiting", "served with reasons", "served")
"""The states of a network, the worst first."""
_SHOWN_MAX: Final = 5  # ids in one sentence


class Times(Protocol):
    """How a view writes moments of the monotonic clock."""

    def of(self, since: float, next_try: float) -> dict[str, float]:
        """When something began, and when it is tried again, as fields."""


class Spans:
    """As seconds from now: `for_seconds`, `next_try_in`."""

    def __init__(self) -> None:
        self._now = time.monotonic()

    def of(self, since: float, next_try: float) -> dict[str, float]:
        return {
            "for_seconds": round(self._now - since, 3),
            "next_try_in": round(max(0.0, next_try - self._now), 3),
        }


class Clock:
    """As seconds since the epoch, to the same result each time: `since`, `next_try`."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def epoch(self, monotonic: float) -> float:
        offset = time.time() - time.monotonic()
        if abs(offset - self._offset) > 0.5:  # the clock was set
            self._offset = offset
        return round(monotonic + self._offset, 2)

    def of(self, since: float, next_try: float) -> dict[str, float]:
        return {"since": self.epoch(since), "next_try": self.epoch(next_try)}


def find_network(node: NodeState, text: str) -> Network | None:
    """The network with this id or name. Raises ValueError where several have the name."""
    networks = node.intent.intent.networks
    if text in networks:
        return networks[text]
    found = [network for network in networks.values() if network.name == text]
    if len(found) > 1:
        shown = ", ".join(sorted(network.id for network in found[:_SHOWN_MAX]))
        more = f" and {len(found) - _SHOWN_MAX} more" if len(found) > _SHOWN_MAX else ""
        raise ValueError(f"{len(found)} networks have the name {text}; give the id of one: {shown}{more}")
    return found[0] if found else None


def reasons_by_network(node: NodeState) -> Mapping[str, Sequence[Reason]]:
    """The resync reasons of the node, by network id."""
    found: dict[str, list[Reason]] = {}
    for reason in node.reconciler.resync.all():
        found.setdefault(reason.network_id, []).append(reason)
    return found


def state_of(node: NodeState, network: Network, *, has_reasons: bool) -> str:
    """One of STATES. A network that waits while a fault of the host stops the line is not served."""
    served = node.serving.served_since(network) is not None
    if has_reasons:
        partly = served or node.serving.dhcp4.served_since(network.id) is not None
        return "served with reasons" if partly else "not served"
    if served or not network.is_served:
        return "served"
    return "not served" if node.reconciler.breaker.is_open else "waiting"


def is_healthy(node: NodeState, states: Iterable[str]) -> bool:
    """Whether nothing is wrong, given the states of all networks: `healthy` in status, and its exit code 0."""
    return (
        node.reconciler.breaker.state is None
        and node.intent.problem is None
        and node.serving.leases_problem is None
        and (node.routed is None or node.routed.problem is None)
        and all(state == "served" for state in states)
    )


def network_json(node: NodeState, network: Network, *, has_reasons: bool) -> dict[str, Any]:
    """A network in a list."""
    return {
        "id": network.id,
        "name": network.name,
        "state": state_of(node, network, has_reasons=has_reasons),
        "subnets_count": len(network.subnets) + len(network.subnets6),
        "ports_count": len(network.ports),
        "served_since": node.serving.served_since(network),
    }


def subnets_json(network: Network) -> list[dict[str, Any]]:
    """The subnets of a network, those of IPv4 first."""
    return [*map(_subnet_json, network.subnets), *map(_subnet_json, network.subnets6)]


def _subnet_json(subnet: Subnet | Subnet6) -> dict[str, Any]:
    found = {
        "id": subnet.id,
        "name": subnet.name,
        "cidr": str(subnet.cidr),
        "server_address": str(subnet.server_address),
        "gateway": str(subnet.gateway) if subnet.gateway else None,
        "dynamic": subnet.dynamic,
        "lease_time": subnet.lease_time,
    }
    if isinstance(subnet, Subnet6):
        found |= {"address_mode": subnet.address_mode, "ra_mode": subnet.ra_mode}
    return found


class PortAnswers(Struct, frozen=True):
    """What a port was last given and said of its addresses, over both versions of DHCP; seconds since the epoch."""

    acknowledged: float | None = None  # when the port was last given one of its addresses
    declined: float | None = None  # when it last said that one of them is in use by another


def answers_by_port(leases: Iterable[LeaseRow]) -> dict[str, PortAnswers]:
    """By port id; ports that said nothing are not in it."""
    found: dict[str, PortAnswers] = {}
    for lease in leases:
        if lease.port_id is not None:
            before = found.get(lease.port_id, PortAnswers())
            found[lease.port_id] = PortAnswers(
                _later(before.acknowledged, lease.acknowledged), _later(before.declined, lease.declined)
            )
    return found


def _later(one: float | None, other: float | None) -> float | None:
    return max(filter(None, (one, other)), default=None)


def port_json(network: Network, port: Port, answers: PortAnswers | None) -> dict[str, Any]:
    """A port of a network, with what it was last given and said of its addresses."""
    answers = answers or PortAnswers()
    return {
        "id": port.id,
        "name": port.name,
        "network": network.id,
        "network_name": network.name,
        "mac": port.mac,
        "fixed_ips": list(map(str, port.addresses)),
        "hostname": port.hostname,
        "device": tap_name(port.id),
        "plug": type(port.plug).__name__.removesuffix("Plug").lower(),
        "last_answered": answers.acknowledged,
        "declined": answers.declined,
    }


def lease_json(lease: LeaseRow) -> dict[str, Any]:
    """A lease of DHCPv4 or DHCPv6."""
    return {
        "address": str(lease.address),
        "mac": lease.mac,
        "port": lease.port_id,
        "state": lease.state,
        "expires": lease.expires,
        "acknowledged": lease.acknowledged,
    }


def reason_json(node: NodeState, reason: Reason, times: Times) -> dict[str, Any]:
    """A resync reason; `name` is that of its network or router, null where intent has it no more."""
    return {
        "network": reason.network_id,
        "name": node.intent.intent.name_of(reason.network_id),
        "port": reason.port_id,
        "reason": reason.text,
        "serves": reason.serves,
        "failures": reason.failures,
        **times.of(reason.since, reason.next_try),
    }


def event_json(node: NodeState, event: Event) -> dict[str, Any]:
    """An event of the journal; `name` is that of its network or router, null where intent has it no more."""
    return {**event.as_dict(), "name": node.intent.intent.name_of(event.network)}


def breaker_json(node: NodeState, state: BreakerState, times: Times) -> dict[str, Any]:
    """The breaker while it is open: the diagnosis, and the network that met the fault last."""
    return {
        **state.diagnosis.as_json(),
        "network": state.network_id,
        "name": node.intent.intent.name_of(state.network_id),
        "failures": state.failures,
        **times.of(state.since, state.next_try),
    }


def progress_json(node: NodeState, steps_max: int | None = None) -> list[dict[str, Any]]:
    """The plans that are being carried out now, each with its first `steps_max` steps (None: with all)."""
    return [
        {
            "network": network_id,
            "name": node.intent.intent.name_of(network_id),
            "steps": steps_json(plan)[:steps_max],
            "steps_total": len(plan.steps),
        }
        for network_id, plan in list(node.reconciler.in_progress.items())
    ]


def steps_json(plan: Plan) -> list[str]:
    """The steps of a plan, in words."""
    return [str(step) for step in plan.steps]
