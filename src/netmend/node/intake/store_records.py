"""What is wrong with a node, as its store keeps it."""

import time

from netmend.ground.diagnosis import Diagnosis
from netmend.node.state import NodeState
from netmend.sources.store.records import ReasonRecord

Wrong = tuple[tuple[ReasonRecord, ...], tuple[Diagnosis, ...]]


def wrong_now(node: NodeState) -> Wrong:
    """Its resync reasons, and the faults of its host: the breaker's and those of mounts."""
    ago = time.time() - time.monotonic()
    reasons = tuple(
        ReasonRecord(reason.network_id, reason.port_id, reason.text, ago + reason.since, reason.failures)
        for reason in node.reconciler.resync.all()
    )
    breaker = node.reconciler.breaker.state
    faults = [*node.mount_faults, *([breaker.diagnosis] if breaker else [])]
    return reasons, tuple(faults)
