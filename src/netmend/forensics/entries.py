"""What is known of all lines with one fingerprint, and the events that they may be."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from netmend.forensics.clocks import Clock
from netmend.forensics.line import Line
from netmend.forensics.signatures import Event
from netmend.forensics.templates import template

SAME_RECORD = 0.005
"""Seconds. A failure's header and the lines of its traceback are one record: they follow within this."""

AT_ONCE = 0.0005
"""Seconds. Two records of one millisecond, the unit of most logs, are one."""

LONGEST_SAMPLE = 500

DEVICE_CREATED, DEVICE_DELETED, PORT_ASKED = "device-created", "device-deleted", "dhcp-port-asked"


Confirms = Callable[[bytes], re.Match[bytes] | Literal[True] | None]


class Watch:
    """An event that lines of one fingerprint may be, with those of its texts that they may hold, and what its pattern
    reads."""

    __slots__ = ("about", "confirms", "created", "device", "failure", "name", "number", "port", "texts")

    def __init__(self, event: Event, texts: tuple[bytes, ...]) -> None:
        groups = event.pattern.groupindex if event.pattern is not None else {}
        self.name = event.name
        self.texts = texts
        plain = event.pattern is not None and not event.all_of and not event.none_of and event.at_least is None
        self.confirms: Confirms = event.pattern.search if plain and event.pattern is not None else event.confirms
        self.failure = event.kind == "failure"
        self.about = tuple(group for group in ("network", "namespace") if group in groups)
        self.created = event.name == DEVICE_CREATED
        self.device = "device" in groups and event.name in (DEVICE_CREATED, DEVICE_DELETED)
        self.number = "number" in groups
        self.port = event.name == PORT_ASKED

    def may_be_in(self, line: bytes, parts: re.Pattern[bytes]) -> bool:
        """Whether lines that have the same `parts` as this one, and its fingerprint, may hold one of the texts."""
        return any(all(part in line for part in parts.findall(text)) for text in self.texts)


class Entry:
    """What is known of all lines with one fingerprint."""

    __slots__ = (
        "actor",
        "apart",
        "clock",
        "count",
        "events",
        "extra",
        "failed",
        "first",
        "last",
        "line",
        "listed",
        "repeated",
        "sample",
        "special",
        "split",
        "summed",
        "template",
    )

    def __init__(self, line: Line, actor: str, events: tuple[Watch, ...], split: bool, repeated: bool = False) -> None:
        self.line = line
        self.actor = actor
        self.clock: Clock | None = line.clock
        self.events = events
        self.apart = SAME_RECORD if line.continuation else AT_ONCE
        self.split = split
        """What `_DISTINGUISHING` finds varies among these lines: each is an entry of its own."""
        self.listed = bool(line.message) and not (line.continuation and line.format == "oslo.log")
        """Worth a place among the repeats: a record, or an exception's line that no record sums up."""
        self.summed = 0
        """How many of these exceptions of tracebacks the record above has in its own text."""
        self.repeated = repeated
        """Each line stands for several: `message repeated 37 times`."""
        self.extra = 0
        """How many more than themselves they stand for."""
        self.special = split or repeated or (self.listed and line.continuation)
        """One by one it is seen in which entry the line counts, or whether it does."""
        self.failed = False
        """A signature calls one of these lines a failure."""
        self.template = template(line.message) if self.listed else ""
        self.sample = line.message[:LONGEST_SAMPLE]
        self.count = 0
        self.first = float("inf")
        self.last = float("-inf")

    def span(self, when: float | None) -> None:
        if when is not None:
            self.first = min(self.first, when)
            self.last = max(self.last, when)
