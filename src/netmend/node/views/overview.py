"""The node at a glance: what the page shows first, and what is compared to see whether anything changed.

All times are seconds since the epoch, so two looks at a node where nothing happens are equal.
"""

import os
import platform
import time
from collections import Counter
from typing import Any, Final

from netmend import __version__
from netmend.node.state import NodeState
from netmend.node.views.network_state import STATES, reasons_by_network, state_of
from netmend.reconcile.breaker import Diagnosis
from netmend.reconcile.resync import Reason

_REASONS: Final = 50
_STEPS: Final = 6
_HOST: Final = platform.node()


class Clock:
    """Turns the monotonic clock's times into seconds since the epoch, to the same result each time."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def epoch(self, monotonic: float) -> float:
        offset = time.time() - time.monotonic()
        if abs(offset - self._offset) > 0.5:  # the clock was set
            self._offset = offset
        return round(monotonic + self._offset, 2)


def overview(node: NodeState, clock: Clock) -> dict[str, Any]:
    """The first screen; its shape is documented in docs/status.md."""
    networks = node.intent.intent.networks
    reasons = reasons_by_network(node)
    states = Counter(state_of(node, network, has_reasons=network.id in reasons) for network in networks.values())
    held = node.reconciler.held
    every = sorted((reason for found in reasons.values() for reason in found), key=lambda reason: reason.since)
    trouble = node.reconciler.pin_trouble
    last = node.history.last
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
        "namespaces": {"wanted": len(networks), "usable": sum(1 for network_id in networks if network_id in held)},
        "breaker": _breaker(node, clock),
        "pinning": {"problem": str(trouble.error), "since": clock.epoch(trouble.since)} if trouble else None,
        "mount_faults": [_diagnosis(fault) for fault in node.mount_faults],
        "leases_problem": node.serving.store_error,
        "routed_metadata_problem": node.routed.problem if node.routed else None,
        "devices": last.as_dict() if last else None,
        "reconciler": _reconciler(node),
        "reasons_total": len(every),
        "reasons": [reason_row(node, reason, clock) for reason in every[:_REASONS]],
    }


def reason_row(node: NodeState, reason: Reason, clock: Clock) -> dict[str, Any]:
    network = node.intent.intent.networks.get(reason.network_id)
    return {
        "network": reason.network_id,
        "name": network.name if network else None,
        "port": reason.port_id,
        "reason": reason.text,
        "serves": reason.serves,
        "since": clock.epoch(reason.since),
        "failures": reason.failures,
        "next_try": clock.epoch(reason.next_try),
    }


def _breaker(node: NodeState, clock: Clock) -> dict[str, Any] | None:
    state = node.reconciler.breaker.state
    if state is None:
        return None
    network = node.intent.intent.networks.get(state.network_id or "")
    return {
        **_diagnosis(state.diagnosis),
        "network": state.network_id,
        "name": network.name if network else None,
        "since": clock.epoch(state.since),
        "failures": state.failures,
        "next_try": clock.epoch(state.next_try),
    }


def _diagnosis(found: Diagnosis) -> dict[str, Any]:
    return {"summary": found.summary, "evidence": list(found.evidence), "cause": found.cause, "mend": found.mend}


def _reconciler(node: NodeState) -> dict[str, Any]:
    last = node.journal.last_pass
    names = node.intent.intent.networks
    busy = list(node.reconciler.in_progress.items())
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
        "in_progress": [
            {
                "network": network_id,
                "name": names[network_id].name if network_id in names else None,
                "steps": [str(step) for step in plan.steps[:_STEPS]],
                "steps_total": len(plan.steps),
            }
            for network_id, plan in busy
        ],
    }
