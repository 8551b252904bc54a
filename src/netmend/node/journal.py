"""The journal of a node: its last events, for the page, each with a number that only grows."""

import time
from collections import deque
from collections.abc import Iterable
from threading import Lock
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import asdict

from netmend.ground.diagnosis import Diagnosis
from netmend.reconcile.breaker import BreakerState
from netmend.reconcile.reports import PassReport

KEPT: Final = 500
_OF_ONE_PASS: Final = 50  # reasons with an event each; a fault of the host gives every network one
Level = Literal["info", "warning", "error"]


class Event(Struct, frozen=True):
    """One thing that happened."""

    number: int
    at: float  # seconds since the epoch
    level: Level
    kind: str  # pass, mended, reason, resolved, breaker, intent or mounts
    text: str
    network: str | None = None
    port: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class LastPass(Struct, frozen=True):
    """The last look at the kernel."""

    at: float  # when it ended, in seconds since the epoch
    seconds: float  # how long it took
    networks: int  # how many it looked at
    steps: int  # how many it planned
    wrong: int  # networks with reasons left


class Journal:
    """The last events of a node, and counts over its life. Thread-safe."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._lock = Lock()
        self._number = 0
        self.last_pass: LastPass | None = None
        self.seconds_in_passes = 0.0
        self.steps = 0
        self.new_reasons = 0
        self.breaker_openings = 0

    @property
    def number(self) -> int:
        """The number of the last event; 0 before the first."""
        return self._number

    def since(self, number: int) -> list[Event]:
        """The events after that number, as far as they are kept, the oldest first."""
        with self._lock:
            return [event for event in self._events if event.number > number]

    def add(self, level: Level, kind: str, text: str, network: str | None = None, port: str | None = None) -> None:
        with self._lock:
            self._number += 1
            self._events.append(Event(self._number, time.time(), level, kind, text, network, port))

    def passed(self, report: PassReport, seconds: float, resolved: Iterable[str] = ()) -> None:
        """A pass ended; `resolved`: networks whose reasons it found gone."""
        networks = len(report.right) + len(report.wrong)
        self.last_pass = LastPass(time.time(), seconds, networks, report.planned_steps, len(report.wrong))
        self.seconds_in_passes += seconds
        self.steps += report.planned_steps
        self.new_reasons += len(report.new_reasons)
        if report.planned_steps:
            text = f"{_count(report.planned_steps, 'step')} over {_count(networks, 'network')} in {seconds:.2f} s"
            self.add("info", "pass", text + (f", {len(report.wrong):,} still wrong" if report.wrong else ""))
        for mended in report.mended[:_OF_ONE_PASS]:
            self.add("warning", "mended", f"somebody changed it: {mended.text}", mended.network_id)
        if len(report.mended) > _OF_ONE_PASS:
            self.add("warning", "mended", f"and {len(report.mended) - _OF_ONE_PASS:,} more were changed")
        for reason in report.new_reasons[:_OF_ONE_PASS]:
            self.add("warning", "reason", reason.text, reason.network_id, reason.port_id)
        if len(report.new_reasons) > _OF_ONE_PASS:
            self.add("warning", "reason", f"and {len(report.new_reasons) - _OF_ONE_PASS:,} more reasons")
        gone = sorted(resolved)
        for network_id in gone[:_OF_ONE_PASS]:
            self.add("info", "resolved", "nothing is wrong any more", network_id)
        if len(gone) > _OF_ONE_PASS:
            self.add("info", "resolved", f"and {len(gone) - _OF_ONE_PASS:,} more networks are right again")

    def breaker(self, state: BreakerState | None) -> None:
        if state is None:
            self.add("info", "breaker", "closed: the host is sound again")
        else:
            self.breaker_openings += 1
            self.add("error", "breaker", f"open, nothing is created: {state.diagnosis.summary}")

    def intent(self, changed: int) -> None:
        """So many networks of the intent came, went or changed."""
        self.add("info", "intent", f"{_count(changed, 'network')} changed")

    def intent_problem(self, problem: str) -> None:
        self.add("error", "intent", f"a newer intent cannot be used, the one before it stays in force: {problem}")

    def mounts(self, fault: Diagnosis) -> None:
        self.add("warning", "mounts", fault.summary)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
