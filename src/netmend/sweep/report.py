"""The findings and deletions of a sweep, as text and as the documented JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from netmend.sweep.scene import DEAD, Reason
from netmend.sweep.sweep import Findings, Options, Result

_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """One device, port or name, and the verdict on it."""

    name: str
    what: str  # "device", "port" of Open vSwitch without a device, "name" or "process"
    kind: str
    reason: Reason


def judged(findings: Findings) -> Iterator[Judged]:
    """Every device, port, name and process that was judged."""
    for unit in findings.units:
        for link in unit.links:
            yield Judged(link.name, "device", link.kind, unit.reason)
    for port in findings.ports:
        yield Judged(port.row.name, "port", port.row.type, port.reason)
    for name in findings.names:
        yield Judged(name.name, "name", "file" if name.plain else "namespace", name.reason)
    for process in findings.processes:
        yield Judged(process.name, "process", process.helper.program, process.reason)


def _by_reason(findings: Findings) -> list[dict[str, Any]]:
    rows: dict[tuple[bool, Reason, str], list[str]] = {}
    for one in judged(findings):
        rows.setdefault((one.reason in DEAD, one.reason, one.what), []).append(one.name)
    order = sorted(rows.items(), key=lambda row: (not row[0][0], -len(row[1]), row[0][1]))
    return [
        {
            "verdict": "dead" if dead else "kept",
            "reason": str(reason),
            "what": what,
            "count": len(found),
            "examples": found[:_EXAMPLES],
        }
        for (dead, reason, what), found in order
    ]


def to_json(options: Options, findings: Findings, result: Result | None, *, every_object: bool) -> dict[str, Any]:
    """The document of `netmend sweep --json`; `result` None: a dry run."""
    rows = _by_reason(findings)
    document: dict[str, Any] = {
        "dry_run": result is None,
        "ours": options.intent is not None,
        "kinds": list(options.kinds),
        "min_age_seconds": options.min_age,
        "devices": len(findings.scene.links),
        "dead": sum(row["count"] for row in rows if row["verdict"] == "dead"),
        "kept": sum(row["count"] for row in rows if row["verdict"] == "kept"),
        "reasons": rows,
        "unseen": findings.unseen,
        "young": _count(findings, Reason.YOUNG),
        "unjudged": _count(findings, Reason.UNSEEN),
        "first_look": findings.first_look,
        "again_at": round(findings.mature_at, 3) if findings.mature_at is not None else None,
    }
    if result is not None:
        document |= {
            "deleted": result.outcome.deleted,
            "spared": [{"name": name, "why": why} for name, why in result.outcome.spared.items()],
            "failed": [{"name": name, "why": why} for name, why in result.outcome.failed.items()],
            "journal": str(result.journal) if result.journal else None,
            "seconds": round(result.seconds, 3),
        }
    if every_object:
        document["objects"] = [
            {
                "name": one.name,
                "what": one.what,
                "kind": one.kind,
                "verdict": "dead" if one.reason in DEAD else "kept",
                "reason": str(one.reason),
            }
            for one in judged(findings)
        ]
    return document


def _count(findings: Findings, reason: Reason) -> int:
    return sum(one.reason is reason for one in judged(findings))


def undecided(findings: Findings) -> bool:
    """True when something looks dead and cannot be called so yet: it is too young, or not all could be looked at."""
    return any(_count(findings, reason) for reason in (Reason.YOUNG, Reason.UNSEEN, Reason.ASKED_BEFORE))


def to_text(options: Options, findings: Findings, result: Result | None, *, every_object: bool) -> Iterator[str]:
    """The report for people, line by line."""
    document = to_json(options, findings, result, every_object=every_object)
    yield f"{document['devices']:,} devices; judged: {document['dead'] + document['kept']:,}"
    for row in document["reasons"]:
        examples = ", ".join(row["examples"]) + (", ..." if row["count"] > len(row["examples"]) else "")
        what = row["what"] + (("es" if row["what"] == "process" else "s") if row["count"] != 1 else "")
        yield f"  {row['verdict']}  {row['count']:>7,} {what}: {row['reason']} ({examples})"
    for sentence in findings.unseen:
        yield f"not seen: {sentence}"
    for one in document.get("objects", ()):
        yield f"{one['verdict']}  {one['what']} {one['name']}: {one['reason']}"
    yield from _not_yet(options, document)
    if result is None:
        if document["dead"]:
            yield f"{document['dead']:,} would be deleted; --yes deletes"
        elif not undecided(findings):
            yield "nothing is dead"
        return
    for row in document["spared"]:
        yield f"spared  {row['name']}: {row['why']}"
    for row in document["failed"]:
        yield f"failed  {row['name']}: {row['why']}"
    rate = f" in {result.seconds:.1f} s, {document['deleted'] / result.seconds:,.0f} a second" if result.seconds else ""
    yield f"{document['deleted']:,} deleted{rate}; {len(result.outcome.failed):,} left"
    if result.journal:
        yield f"journal: {result.journal}"


def _not_yet(options: Options, document: dict[str, Any]) -> Iterator[str]:
    """Lines about what looks dead and is not deleted yet, and what to do about it."""
    if document["unjudged"]:
        yield (
            f"{document['unjudged']:,} may be dead, and not everything could be looked at; "
            "where what is in sight is all there is, --assume-all-seen says so"
        )
    if too_late := sum(row["count"] for row in document["reasons"] if row["reason"] == Reason.ASKED_BEFORE):
        yield f"{too_late:,} may be dead, and were first seen after the control plane was asked: ask it anew"
    if document["young"]:
        looks = "1 looks" if document["young"] == 1 else f"{document['young']:,} look"
        first = "this is the first look: " if document["first_look"] else f"not yet for {_span(options.min_age)}: "
        yield f"{looks} dead; {first}run again after {_clock(document['again_at'])} (or --min-age 0)"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:g}s"


def _clock(at: float) -> str:
    """Local time, to the next whole minute, or second where that is near; with the date where it is another day."""
    now = datetime.now()
    exact = at - now.timestamp() < 120
    step = 1 if exact else 60
    moment = datetime.fromtimestamp((int(at) // step + 1) * step)
    day = "" if moment.date() == now.date() else f"{moment:%Y-%m-%d} "
    return f"{day}{moment:%H:%M:%S}" if exact else f"{day}{moment:%H:%M}"
