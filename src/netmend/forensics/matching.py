"""Does a signature hold for what was gathered? Gives verdicts: which, how sure, because of what, what to do.

A signature holds when all of `requires` do (or all conditions of one way under `either`). Its confidence is the
signature's own, times one minus the weight of each condition of that way, plus the weight of each support that holds
(what is missing to 1 shrinks by that share), times one minus the weight of each contradiction that holds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import accumulate

from netmend.forensics.gathered import Gathered, Tally
from netmend.forensics.signatures import Condition, Library, Signature

ENOUGH = 0.5
"""A verdict below this confidence is not given."""

FOLLOWS = 86_400.0
"""Seconds after the last sign of a cause within which another failure can be its effect."""

PAUSE = 1800.0
"""Seconds without an event after which a burst has ended, for `lasting`."""


@dataclass(frozen=True)
class Evidence:
    """What made a condition hold. Times in seconds since the epoch."""

    because: str
    event: str
    actors: tuple[str, ...]
    count: int
    first: float
    last: float
    sample: str
    file: str


@dataclass(frozen=True)
class Verdict:
    """A signature that holds."""

    signature: str
    title: str
    confidence: float
    first: float
    last: float
    variant: str | None
    variant_title: str
    because: tuple[Evidence, ...]
    contradicted: tuple[str, ...]
    explains: str
    do: tuple[str, ...]
    caused_by: str | None = None


Seen = list[tuple[str, str, Tally]]


class Matcher:
    """Evaluates conditions over one `Gathered`."""

    def __init__(self, gathered: Gathered) -> None:
        self.gathered = gathered

    def holds(self, condition: Condition) -> Evidence | None:
        """The evidence for a condition, or None."""
        if condition.reaching is not None and not any(
            self.gathered.numbers.get(event, 0) >= condition.reaching for event in condition.see
        ):
            return None
        seen = self.gathered.occurrences.of(condition.see)
        if condition.same == "name":
            return self._by_name(condition, seen)
        other = condition.after or condition.before
        if other:
            seen = self._related(condition, seen, self.gathered.occurrences.of(other))
        elif condition.within is not None:
            seen = _dense(seen, condition.count, condition.within)
        if sum(t.count for _, _, t in seen) < condition.count:
            return None
        if condition.lasting:
            seen = _burst(seen, condition.lasting)
        return _evidence(condition, seen)

    def _related(self, condition: Condition, seen: Seen, others: Seen) -> Seen:
        """Those of `seen` that come after any of `others`, or before the first of them, within the time given."""
        reach = condition.within if condition.within is not None else float("inf")
        by_actor: dict[str, Seen] = defaultdict(list)
        for item in others:
            by_actor[item[1] if condition.same == "service" else ""].append(item)
        starts = {actor: [t.first for _, _, t in items] for actor, items in by_actor.items()}
        ends = {actor: list(accumulate((t.last for _, _, t in items), max)) for actor, items in by_actor.items()}
        slack = self.gathered.occurrences.width if self.gathered.occurrences.width > 1 else 0
        found: Seen = []
        for item in seen:
            tally = item[2]
            actor = item[1] if condition.same == "service" else ""
            if actor not in starts:
                continue
            if condition.after:
                earlier = bisect_right(starts[actor], tally.last + slack)
                near = earlier > 0 and tally.first - ends[actor][earlier - 1] <= reach
            else:
                start = starts[actor][0]
                near = tally.first <= start + slack and start - tally.last <= reach
            if near:
                found.append(item)
        return found

    def _by_name(self, condition: Condition, seen: Seen) -> Evidence | None:
        """As `_related`, for events about the same namespace or network; without others, `count` times about one."""
        if not condition.after and not condition.before:
            return self._often(condition, seen)
        reach = condition.within if condition.within is not None else float("inf")
        names, actors, count = set(), set(), 0
        first, last = float("inf"), float("-inf")
        for name, held in self.gathered.keyed.kept.items():
            for (event, actor), tally in held.items():
                if event not in condition.see:
                    continue
                for (o_event, o_actor), other in held.items():
                    if o_event not in (condition.after or condition.before):
                        continue
                    if condition.by and (actor == o_actor) != (condition.by == "same"):
                        continue
                    gap = tally.first - other.first if condition.after else other.first - tally.first
                    if 0 <= gap <= reach:
                        names.add(name)
                        actors.add(actor)
                        count += tally.count
                        first, last = min(first, tally.first), max(last, tally.last)
        if len(names) < condition.count:
            return None
        sample = next((t for _, _, t in seen if t.sample), Tally())
        return Evidence(
            condition.because, condition.see[0], tuple(sorted(actors)), count, first, last, sample.sample, sample.file
        )

    def _often(self, condition: Condition, seen: Seen) -> Evidence | None:
        """The evidence of names about which the events were seen `count` times, and so densely as `within` asks."""
        actors: set[str] = set()
        total, first, last = 0, float("inf"), float("-inf")
        for held in self.gathered.keyed.kept.values():
            tallies = [(actor, tally) for (event, actor), tally in held.items() if event in condition.see]
            count = sum(tally.count for _, tally in tallies)
            if count < condition.count:
                continue
            begin, end = min(t.first for _, t in tallies), max(t.last for _, t in tallies)
            if condition.within is not None and (end - begin) * condition.count > condition.within * count:
                continue
            actors |= {actor for actor, _ in tallies}
            total, first, last = total + count, min(first, begin), max(last, end)
        if not total:
            return None
        sample = next((t for _, _, t in seen if t.sample), Tally())
        return Evidence(
            condition.because, condition.see[0], tuple(sorted(actors)), total, first, last, sample.sample, sample.file
        )

    def _all(self, conditions: tuple[Condition, ...]) -> list[Evidence]:
        """The evidence of each, or nothing when one does not hold."""
        found = [self.holds(c) for c in conditions]
        return [e for e in found if e is not None] if all(found) else []

    def verdict(self, signature: Signature) -> Verdict | None:
        """The verdict of one signature, or None when it does not hold."""
        for way in signature.ways:
            if because := self._all(way):
                break
        else:
            return None
        required = len(because)
        confidence = signature.confidence
        for condition in way:
            confidence *= 1 - condition.weight
        for condition in signature.supports:
            if evidence := self.holds(condition):
                confidence += (1 - confidence) * condition.weight
                because.append(evidence)
        against = []
        for condition in signature.contradicts:
            if self.holds(condition):
                confidence *= 1 - condition.weight
                against.append(condition.because)
        variant = None
        for candidate in signature.variants:
            proofs = self._all(candidate.requires)
            if proofs and not any(self.holds(c) for c in candidate.contradicts):
                variant = candidate
                because += proofs
                break
        if confidence < ENOUGH:
            return None
        return Verdict(
            signature=signature.id,
            title=signature.title,
            confidence=round(confidence, 2),
            first=min(e.first for e in because[:required]),
            last=max(e.last for e in because[:required]),
            variant=variant.id if variant else None,
            variant_title=variant.title if variant else "",
            because=_with_reasons(because),
            contradicted=tuple(against),
            explains=variant.explains if variant else signature.explains,
            do=(variant.do if variant and variant.do else ()) + signature.do,
        )


def verdicts(library: Library, gathered: Gathered) -> list[Verdict]:
    """All signatures that hold: causes before what they lead to, then by confidence, then by time."""
    matcher = Matcher(gathered)
    found = {s.id: v for s in library.signatures if (v := matcher.verdict(s)) is not None}
    for signature in library.signatures:
        for effect in signature.leads_to:
            cause, other = found.get(signature.id), found.get(effect)
            if cause is None or other is None or other.caused_by is not None or cause.caused_by == effect:
                continue
            if cause.first <= other.first <= cause.last + FOLLOWS:
                found[effect] = replace(other, caused_by=signature.id)
    return sorted(found.values(), key=lambda v: (v.caused_by is not None, -v.confidence, v.first, v.signature))


def _with_reasons(because: list[Evidence]) -> tuple[Evidence, ...]:
    """The evidence that has something to say, each example once."""
    shown: set[str] = set()
    told = []
    for evidence in because:
        if evidence.because:
            told.append(replace(evidence, sample="") if evidence.sample in shown else evidence)
            shown.add(evidence.sample)
    return tuple(told)


def _dense(seen: Seen, count: int, within: float) -> Seen:
    """`seen` when some window of `within` seconds holds `count` of them; else nothing."""
    start, total = 0, 0
    for _, _, tally in seen:
        total += tally.count
        while tally.first - seen[start][2].last > within:
            total -= seen[start][2].count
            start += 1
        if total >= count:
            return seen
    return []


def _burst(seen: Seen, lasting: float) -> Seen:
    """The first run without a long pause that lasts so long; else nothing."""
    run: Seen = []
    for item in seen:
        if run and item[2].first - max(t.last for _, _, t in run[-1:]) > PAUSE:
            if run[-1][2].last - run[0][2].first >= lasting:
                return run
            run = []
        run.append(item)
    return run if run and run[-1][2].last - run[0][2].first >= lasting else []


def _evidence(condition: Condition, seen: Seen) -> Evidence | None:
    if not seen:
        return None
    earliest = min(seen, key=lambda x: (x[2].first, x[2].sample, x[1]))
    return Evidence(
        because=condition.because,
        event=earliest[0],
        actors=tuple(sorted({a for _, a, _ in seen})),
        count=sum(t.count for _, _, t in seen),
        first=earliest[2].first,
        last=max(t.last for _, _, t in seen),
        sample=earliest[2].sample,
        file=earliest[2].file,
    )
