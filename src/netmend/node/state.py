"""What a node consists of and knows: filled by its loop, read by status."""

from dataclasses import dataclass, field

from netmend.ground.diagnosis import Diagnosis
from netmend.intent.network import Intent
from netmend.node.device_history import DeviceHistory
from netmend.node.guests.routed_metadata import RoutedServing
from netmend.node.guests.serving import Serving
from netmend.node.http.counts import HttpCounts
from netmend.node.intake.source import Source
from netmend.node.journal import Journal
from netmend.node.settings import Settings
from netmend.reconcile.reconciler import Reconciler


@dataclass(slots=True)
class IntentState:
    """The intent in force, when it was read (seconds since the epoch), and what is wrong with a newer one, if any."""

    intent: Intent
    loaded_at: float
    problem: str | None = None


@dataclass(slots=True)
class NodeState:
    """One node. `started_at` is in seconds since the epoch, `first_answer_after` in seconds from there."""

    source: Source
    settings: Settings
    started_at: float
    intent: IntentState
    reconciler: Reconciler
    serving: Serving
    routed: RoutedServing | None = None  # metadata by way of routers that others made
    passes: int = 0
    first_answer_after: float | None = None
    mount_faults: list[Diagnosis] = field(default_factory=list)  # what the host's mounts do to names
    journal: Journal = field(default_factory=Journal)
    history: DeviceHistory = field(default_factory=DeviceHistory)
    http: HttpCounts = field(default_factory=HttpCounts)
