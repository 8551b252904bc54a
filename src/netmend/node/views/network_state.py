"""How a network is, in a word, and why."""

from collections.abc import Mapping, Sequence
from typing import Final

from netmend.intent.network import Network
from netmend.node.state import NodeState
from netmend.reconcile.resync import Reason

STATES: Final = ("not served", "waiting", "served with reasons", "served")
"""The states of a network, the worst first."""


def reasons_by_network(node: NodeState) -> Mapping[str, Sequence[Reason]]:
    found: dict[str, list[Reason]] = {}
    for reason in node.reconciler.resync.all():
        found.setdefault(reason.network_id, []).append(reason)
    return found


def state_of(node: NodeState, network: Network, *, has_reasons: bool) -> str:
    """One of STATES. What waits while a fault of the host stops the line is not served."""
    served = node.serving.served_since(network) is not None
    if has_reasons:
        partly = served or node.serving.dhcp4.served_since(network.id) is not None
        return "served with reasons" if partly else "not served"
    if served or not network.has_subnets:
        return "served"
    return "not served" if node.reconciler.breaker.is_open else "waiting"
