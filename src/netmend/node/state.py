"""What a node consists of and knows: its loop writes it, its views read it."""

from collections.abc import Callable

from msgspec import Struct, field

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


class IntentState(Struct):
    """The intent in force."""

    intent: Intent
    loaded_at: float  # when it was read, in seconds since the epoch
    problem: str | None = None  # why a newer one cannot be used


class NodeState(Struct):
    """One node."""

    source: Source
    settings: Settings
    started_at: float  # seconds since the epoch
    intent: IntentState
    reconciler: Reconciler
    serving: Serving
    routed: RoutedServing | None = None  # metadata by way of routers that others made
    passes: int = 0
    first_answer_after: float | None = None  # seconds from `started_at` until the first network was served
    mount_faults: list[Diagnosis] = field(default_factory=list)  # what the host's mounts do to names
    journal: Journal = field(default_factory=Journal)
    history: DeviceHistory = field(default_factory=DeviceHistory)
    http: HttpCounts = field(default_factory=HttpCounts)
    try_again: Callable[[str | None], None] = lambda network_id: None  # one network, or all, and the host's fault too
