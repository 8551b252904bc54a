"""The node at a glance: the page shows it first, and live data compare it to see whether anything changed.

All times are seconds since the epoch, so two looks at a node where nothing happens are equal.
"""

import os
import platform
from collections import Counter
from typing import Any, Final

from netmend import __version__
from netmend.node.state import NodeState
from netmend.node.views.shapes import (
    STATES,
    Clock,
    breaker_json,
    progress_json,
    reason_json,
    reasons_by_network,
    state_of,
)

_REASONS: Final = 50
_STEPS: Final = 6
_HOST: Final = platform.node()


def overview(node: NodeState, clock: Clock) -> dict[str, Any]:
    """The first screen; its shape is documented in docs/status.md."""
    networks = node.intent.intent.networks
    reasons = reasons_by_network(node)
    states = Counter(state_of(node, network, has_reasons=network.id in reasons) for network in networks.values())
    opened = node.reconciler.open_namespaces
    every = sorted((reason for found in reasons.values() for reason in found), key=lambda reason: reason.since)
    trouble = node.reconciler.pin_trouble
    last, breaker = node.history.last, node.reconciler.breaker.state
    return {
        "node": {
            "version": __version__,
            "host": _HOST,
            "pid": os.getpid(),
            "started_at": node.started_at,
            "first_answer_after": node.first_answer_after,
        },
        "intent": {
            **node.source.status(),
            "loaded_at": node.intent.loaded_at,
            "problem": node.intent.problem,
            "networks": len(networks),
            "ports": sum(len(network.ports) for network in networks.values()),
        },
        "states": {state: states.get(state, 0) for state in STATES},
        "namespaces": {"wanted": len(networks), "usable": sum(1 for network_id in networks if network_id in opened)},
        "breaker": breaker_json(node, breaker, clock) if breaker else None,
        "pinning": {"problem": str(trouble.error), "since": clock.epoch(trouble.since)} if trouble else None,
        "mount_faults": [fault.as_json() for fault in node.mount_faults],
        "leases_problem": node.serving.leases_problem,
        "routed_metadata_problem": node.routed.problem if node.routed else None,
        "devices": last.as_dict() if last else None,
        "reconciler": _reconciler(node),
        "reasons_total": len(every),
        "reasons": [reason_json(node, reason, clock) for reason in every[:_REASONS]],
    }


def _reconciler(node: NodeState) -> dict[str, Any]:
    last = node.journal.last_pass
    return {
        "passes": node.passes,
        "last_pass": {
            "at": round(last.at, 2),
            "seconds": round(last.seconds, 4),
            "networks": last.networks,
            "steps": last.steps,
            "wrong": last.wrong,
        }
        if last
        else None,
        "in_progress": progress_json(node, _STEPS),
    }
