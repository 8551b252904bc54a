"""Signatures: what a known failure looks like in logs, as data. `docs/timeline-signatures.md` describes the file.

A file holds *events* (how to know a line) and, unless it only shares events, one signature that speaks of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from netmend.forensics.templates import fingerprint
from netmend.ground.document import Document, DocumentError
from netmend.ground.located_yaml import parse as parse_yaml
from netmend.ground.problem import Place, Problem, field_path

KINDS = ("failure", "start", "stop", "create", "delete", "recovery", "note")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class BadSignature(ValueError):
    """A signature file is wrong; the message says `file:line: field: why`."""


@dataclass(frozen=True)
class Event:
    """A kind of line, or one form of it: `name` is the part before a dot, so `device-created.switch` and
    `device-created.kernel` are forms of one event. A line is one when it holds any of `any_of`, all of `all_of`, none
    of `none_of` and matches `pattern`, and comes from one of `services` at one of `levels` where these are given."""

    key: str
    name: str
    kind: str
    any_of: tuple[bytes, ...]
    all_of: tuple[bytes, ...]
    none_of: tuple[bytes, ...]
    pattern: re.Pattern[bytes] | None
    services: frozenset[str]
    not_services: frozenset[str]
    levels: frozenset[str]
    at_least: float | None
    """The pattern's group `number` must be at least this."""
    quiet: bool
    """Evidence only: the time line does not show it."""

    def confirms(self, line: bytes) -> re.Match[bytes] | Literal[True] | None:
        """For a line that holds one of `any_of`: the pattern's match (True where there is no pattern), or None."""
        for text in self.all_of:
            if text not in line:
                return None
        for text in self.none_of:
            if text in line:
                return None
        if self.pattern is None:
            return True
        match = self.pattern.search(line)
        if match is not None and self.at_least is not None and float(match["number"]) < self.at_least:
            return None
        return match


@dataclass(frozen=True)
class Condition:
    """Something that must (or must not) have been seen. Times are seconds."""

    see: tuple[str, ...]
    count: int = 1
    within: float | None = None
    """With `count`: this many in so long. With `after` or `before`: no further apart than this."""
    lasting: float = 0.0
    """From the first to the last of them at least so long."""
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    same: str = ""
    """`service`: both by one actor. `name`: both about one namespace or network."""
    by: str = ""
    """With `same: name`: `same` or `other` actor."""
    reaching: float | None = None
    """The largest number read by the event's group `number` is at least this."""
    weight: float = 0.0
    because: str = ""


@dataclass(frozen=True)
class Variant:
    """A way in which the failure came about."""

    id: str
    title: str
    requires: tuple[Condition, ...]
    contradicts: tuple[Condition, ...]
    explains: str
    do: tuple[str, ...]


@dataclass(frozen=True)
class Signature:
    """A known failure."""

    id: str
    title: str
    confidence: float
    ways: tuple[tuple[Condition, ...], ...]
    """It holds when all conditions of one of these hold; the first that do count."""
    supports: tuple[Condition, ...]
    contradicts: tuple[Condition, ...]
    variants: tuple[Variant, ...]
    explains: str
    do: tuple[str, ...]
    leads_to: tuple[str, ...]


class Library:
    """All events (forms of them) by full name, and the signatures."""

    def __init__(self, events: dict[str, Event], signatures: tuple[Signature, ...]) -> None:
        self.events = events
        self.signatures = signatures
        self._texts: dict[bytes, list[tuple[Event, bytes]]] = {}
        for event in events.values():
            for text in event.any_of:
                self._texts.setdefault(fingerprint(text), []).append((event, text))
        self._by_start: dict[bytes, list[bytes]] = {}
        for one in self._texts:
            self._by_start.setdefault(one[:3], []).append(one)
        self._starts = frozenset(self._by_start)

    def candidates(self, fingerprinted: bytes) -> dict[str, tuple[Event, tuple[bytes, ...]]]:
        """The events that a line with this fingerprint may be, with those of their texts that it may hold."""
        found: dict[str, tuple[Event, tuple[bytes, ...]]] = {}
        for start in sorted(self._starts.intersection(fingerprinted[i : i + 3] for i in range(len(fingerprinted)))):
            for one in self._by_start[start]:
                if one not in fingerprinted:
                    continue
                for event, text in self._texts[one]:
                    _, texts = found.get(event.key, (event, ()))
                    found[event.key] = (event, (*texts, text))
        return found

    def kinds(self) -> dict[str, str]:
        """The kind of each event that the time line shows, by its name."""
        return {e.name: e.kind for e in self.events.values() if not e.quiet}


class _Reader:
    """One file's fields, taken with checks."""

    def __init__(self, file: str, document: Document, shared: Mapping[str, Event]) -> None:
        self.file = file
        self.document = document
        self.shared = shared
        self.prefix = ""
        self.events: dict[str, Event] = {}

    def wrong(self, where: Place, why: str) -> BadSignature:
        line = self.document.line(where)
        return BadSignature(str(Problem(self.file, line, field_path(self.document.root, where), why)))

    def table(self, value: object, where: Place, known: set[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(where, "must be a mapping")
        for key in value:
            if key not in known:
                raise self.wrong((*where, str(key)), f"unknown; known are {', '.join(sorted(known))}")
        return value

    def text(self, value: object, where: Place) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(where, "must be a text")
        return " ".join(value.split())

    def texts(self, value: object, where: Place) -> tuple[str, ...]:
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(i, str) and i for i in items):
            raise self.wrong(where, "must be a text or a list of texts")
        return tuple(items)

    def number(self, value: object, where: Place, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(where, f"must be a number from {low:g} to {high:g}")
        return float(value)

    def duration(self, value: object, where: Place) -> float:
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise self.wrong(where, "must be a duration like 30s, 10m or 2h")
        return float(match[1]) * _UNIT[match[2]]

    def event(self, name: str, value: object) -> Event:
        where = ("events", name)
        known = _EVENT_FIELDS
        table = self.table(value, where, known)
        kind = table.get("kind", "note")
        if kind not in KINDS:
            raise self.wrong((*where, "kind"), f"must be one of {', '.join(KINDS)}")
        any_of = tuple(t.encode() for t in self.texts(table.get("any"), (*where, "any")))
        if not any_of or min(len(fingerprint(t)) for t in any_of) < 3:
            raise self.wrong((*where, "any"), "needs texts with three characters besides digits, a-f and '-'")
        pattern = None
        if "pattern" in table:
            try:
                pattern = re.compile("".join(self.texts(table["pattern"], (*where, "pattern"))).encode())
            except re.error as error:
                raise self.wrong((*where, "pattern"), f"no regular expression: {error}") from error
        at_least = None
        if "at_least" in table:
            at_least = self.number(table["at_least"], (*where, "at_least"), 0, 1e18)
            if pattern is None or "number" not in pattern.groupindex:
                raise self.wrong((*where, "at_least"), "needs a pattern with a group named number")
        return Event(
            key=self.prefix + name,
            name=self.prefix + name.partition(".")[0],
            kind=kind,
            any_of=any_of,
            all_of=tuple(t.encode() for t in self.texts(table.get("all"), (*where, "all"))),
            none_of=tuple(t.encode() for t in self.texts(table.get("none"), (*where, "none"))),
            pattern=pattern,
            services=frozenset(self.texts(table.get("services"), (*where, "services"))),
            not_services=frozenset(self.texts(table.get("not_services"), (*where, "not_services"))),
            levels=frozenset(self.texts(table.get("levels"), (*where, "levels"))),
            at_least=at_least,
            quiet=table.get("quiet") is True,
        )

    def names(self, value: object, where: Place) -> tuple[str, ...]:
        found = []
        own, shared = {e.name for e in self.events.values()}, {e.name for e in self.shared.values()}
        for name in self.texts(value, where):
            if self.prefix + name in own:
                found.append(self.prefix + name)
            elif name in shared:
                found.append(name)
            else:
                raise self.wrong(where, f"there is no event {name!r} here or among the shared ones")
        return tuple(found)

    def condition(self, value: object, where: Place) -> Condition:
        known = {"see", "count", "within", "lasting", "after", "before", "same", "by", "reaching", "weight", "because"}
        table = self.table(value, where, known)
        see = self.names(table.get("see"), (*where, "see"))
        if not see:
            raise self.wrong((*where, "see"), "names no event")
        for option, allowed in (("same", ("service", "name")), ("by", ("same", "other"))):
            if option in table and table[option] not in allowed:
                raise self.wrong((*where, option), f"must be one of {', '.join(allowed)}")
        return Condition(
            see=see,
            count=int(self.number(table.get("count", 1), (*where, "count"), 1, 1e9)),
            within=self.duration(table["within"], (*where, "within")) if "within" in table else None,
            lasting=self.duration(table["lasting"], (*where, "lasting")) if "lasting" in table else 0.0,
            after=self.names(table.get("after"), (*where, "after")),
            before=self.names(table.get("before"), (*where, "before")),
            same=table.get("same", ""),
            by=table.get("by", ""),
            reaching=self.number(table["reaching"], (*where, "reaching"), 0, 1e18) if "reaching" in table else None,
            weight=self.number(table.get("weight", 0), (*where, "weight"), 0, 1),
            because=self.text(table["because"], (*where, "because")) if "because" in table else "",
        )

    def conditions(self, value: object, where: Place) -> tuple[Condition, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.wrong(where, "must be a list")
        return tuple(self.condition(v, (*where, i)) for i, v in enumerate(value))

    def variant(self, value: object, where: Place) -> Variant:
        table = self.table(value, where, {"id", "title", "requires", "contradicts", "explains", "do"})
        return Variant(
            id=self.text(table.get("id"), (*where, "id")),
            title=self.text(table.get("title"), (*where, "title")),
            requires=self.conditions(table.get("requires"), (*where, "requires")),
            contradicts=self.conditions(table.get("contradicts"), (*where, "contradicts")),
            explains=self.text(table.get("explains"), (*where, "explains")),
            do=self.texts(table.get("do"), (*where, "do")),
        )

    def signature(self, table: dict[str, Any]) -> Signature:
        ways = [self.conditions(table["requires"], ("requires",))] if "requires" in table else []
        either = table.get("either") or []
        if not isinstance(either, list):
            raise self.wrong(("either",), "must be a list of lists of conditions")
        ways += [self.conditions(way, ("either", i)) for i, way in enumerate(either)]
        if not ways or not all(ways):
            raise self.wrong(("requires",), "a signature needs at least one condition, here or under either")
        variants = table.get("variants") or []
        if not isinstance(variants, list):
            raise self.wrong(("variants",), "must be a list")
        return Signature(
            id=self.text(table.get("id"), ("id",)),
            title=self.text(table.get("title"), ("title",)),
            confidence=self.number(table.get("confidence"), ("confidence",), 0, 1),
            ways=tuple(ways),
            supports=self.conditions(table.get("supports"), ("supports",)),
            contradicts=self.conditions(table.get("contradicts"), ("contradicts",)),
            variants=tuple(self.variant(v, ("variants", i)) for i, v in enumerate(variants)),
            explains=self.text(table.get("explains"), ("explains",)),
            do=self.texts(table.get("do"), ("do",)),
            leads_to=self.texts(table.get("leads_to"), ("leads_to",)),
        )


_FIELDS = {"id", "title", "events", "confidence", "requires", "either", "supports", "contradicts", "variants"} | {
    "explains",
    "do",
    "leads_to",
}
_EVENT_FIELDS = {"kind", "any", "all", "none", "pattern", "services", "not_services", "levels", "at_least", "quiet"}


def parse(text: str, file: str, shared: Mapping[str, Event]) -> tuple[dict[str, Event], Signature | None]:
    """The events and the signature of one file's text.

    Raises:
        BadSignature: something is wrong with it.
    """
    try:
        document = parse_yaml(text, located=True)
    except DocumentError as error:
        raise BadSignature("\n".join(str(Problem(file, line, "", why)) for line, why, _ in error.faults)) from None
    reader = _Reader(file, document, shared)
    table = reader.table(document.root, (), _FIELDS)
    reader.prefix = f"{table['id']}/" if "id" in table else ""
    for name, value in reader.table(table.get("events") or {}, ("events",), set(table.get("events") or {})).items():
        reader.events[reader.prefix + str(name)] = reader.event(str(name), value)
    return reader.events, reader.signature(table) if "id" in table else None


def load(more: Iterable[Path] = ()) -> Library:
    """The signatures that come with netmend, and those in the `*.yaml` files of the directories (or files) `more`.

    Raises:
        BadSignature: a file is wrong, cannot be read, or an id is used twice.
    """
    texts: list[tuple[str, str]] = []
    for place in more:
        try:
            files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
            texts += [(str(f), f.read_text("utf-8")) for f in files]
        except (OSError, UnicodeDecodeError) as error:
            raise BadSignature(f"{place}: cannot be read: {error}") from error
    return _added(_own(), texts) if texts else _own()


@cache
def _own() -> Library:
    package = resources.files("netmend.forensics") / "signatures"
    texts = sorted((f.name, f.read_text("utf-8")) for f in package.iterdir() if f.name.endswith(".yaml"))
    return _added(Library({}, ()), texts)


def _added(library: Library, texts: list[tuple[str, str]]) -> Library:
    """`library` and what (file, text) pairs add to it; files without an id, which share events, are taken first."""
    events = dict(library.events)
    signatures = list(library.signatures)
    for file, text in sorted(texts, key=lambda t: re.search(r"^id:", t[1], re.MULTILINE) is not None):
        found, signature = parse(text, file, events)
        if twice := set(found) & set(events):
            raise BadSignature(f"{file}: events.{min(twice)}: defined twice")
        if signature is not None:
            if any(s.id == signature.id for s in signatures):
                raise BadSignature(f"{file}: id: {signature.id} is defined twice")
            signatures.append(signature)
        events |= found
    return Library(events, tuple(signatures))
