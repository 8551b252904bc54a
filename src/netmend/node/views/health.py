"""The health of a node in three words, for probes of container engines, Kubernetes and people (docs/status.md).

`live`: the process works. `ready`: guests are served. `whole`: nothing is wrong. Each includes the one before it. A
control plane that does not answer makes none of them false: what was last known is served.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from netmend.intent.network import Network
from netmend.node.intake.source import ServerSilent
from netmend.node.state import NodeState
from netmend.node.views.shapes import reasons_by_network, state_of
from netmend.reconcile.resync import Reason

WORDS: Final = ("live", "ready", "whole")
_MOST: Final = 20  # sentences; a fault of the host is the same for a thousand networks


def health(node: NodeState, word: str) -> dict[str, Any]:
    """`health` (the word), `ok`, and `wrong`: sentences, empty when ok.

    The node's loop calls this, so an answer to `live` says that the loop works.
    """
    wrong: list[str] = []
    if word != "live":
        reasons = reasons_by_network(node)
        states = [
            (network, state_of(node, network, has_reasons=network.id in reasons))
            for network in node.intent.intent.networks.values()
        ]
        wrong += _not_served(node, states, reasons)
        if word == "whole":
            wrong += _of_the_host(node)
            wrong += [
                f"{_name(network)}: {reasons[network.id][0].text}"
                for network, state in states
                if state == "served with reasons"
            ]
    return answer(word, wrong)


def answer(word: str, wrong: list[str]) -> dict[str, Any]:
    """The shape of `health`, with so many sentences at most."""
    shown = wrong if len(wrong) <= _MOST else [*wrong[:_MOST], f"and {len(wrong) - _MOST} more; see netmend status"]
    return {"health": word, "ok": not wrong, "wrong": shown}


def _not_served(
    node: NodeState, states: Sequence[tuple[Network, str]], reasons: Mapping[str, Sequence[Reason]]
) -> Iterator[str]:
    """Why guests are not served. A network that has just come waits for its first pass, which is no fault, unless the
    node itself is at its first pass."""
    if not node.passes:
        waiting = sum(1 for _, state in states if state == "waiting")
        yield f"the node starts: {waiting} of {len(states)} networks wait to be served"
    breaker = node.reconciler.breaker.state
    for network, state in states:
        if state == "not served":
            first = next(iter(reasons.get(network.id, ())), None)
            why = first.text if first else breaker.diagnosis.summary if breaker else "it is being looked at"
            yield f"{_name(network)} is not served: {why}"
    if node.routed is not None and node.routed.problem:
        yield node.routed.problem


def _of_the_host(node: NodeState) -> Iterator[str]:
    breaker, trouble = node.reconciler.breaker.state, node.reconciler.pin_trouble
    if breaker is not None:
        yield f"host fault: {breaker.diagnosis.summary}"
    problem = node.intent.problem
    if problem is not None and not isinstance(problem, ServerSilent):
        yield f"a newer intent cannot be used: {problem}"
    yield from node.source.faults()
    yield from (fault.summary for fault in node.mount_faults)
    if trouble is not None:
        yield f"namespaces are held by descriptor only: {trouble.error}"
    if node.serving.leases_problem:
        yield node.serving.leases_problem


def _name(network: Network) -> str:
    return f"network {network.name or network.id}"
