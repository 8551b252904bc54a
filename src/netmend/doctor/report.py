"""Findings as JSON and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from netmend.doctor.observation import Observation
from netmend.doctor.sentences import count, several
from netmend.ground.finding import Finding, PinName, RemoveName


def to_json(observation: Observation, findings: Sequence[Finding]) -> dict[str, Any]:
    """The object of `--json`; docs/doctor.md gives its shape."""
    return {
        "findings": [finding.as_json() for finding in findings],
        "looked_at": {
            "source": observation.source,
            "mount_namespaces": len(observation.namespaces),
            "network_namespaces": len(observation.networks),
            "containers": sum(1 for namespace in observation.namespaces if namespace.container is not None),
            "complete": observation.complete,
        },
        "parts": dict(observation.parts),
        "unread": [{"what": item.what, "why": item.why} for item in observation.unread],
    }


def to_text(observation: Observation, findings: Sequence[Finding]) -> Iterator[str]:
    """Lines; findings with the same cause and mend are told once, with all their summaries."""
    for group in grouped(findings):
        first = group[0]
        yield f"{first.severity.word.upper()}  {first.check}"
        for text in headlines(group):
            yield f"  {text}"
        yield "  evidence"
        for text in first.evidence:
            yield f"    {text}"
        yield "  cause"
        yield f"    {first.cause}"
        if suffering := sufferers(group):
            yield f"  who suffers: {several(suffering, 12)}"
        yield "  mend"
        for text in first.mend.split("\n"):
            yield f"    {text}"
        yield ""
    yield summary(observation, findings)
    if observation.parts and findings:
        yield f"there may be more: {cannot_tell(observation)}"
    for item in observation.unread:
        yield f"not looked at: {item.what}: {item.why}"


def grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that one and the same mend removes, in order of the first of each."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        mend = finding.mend if finding.check != "dead-name" else ""
        groups.setdefault((finding.check, finding.cause, mend), []).append(finding)
    return list(groups.values())


def headlines(group: Sequence[Finding], limit: int = 8) -> list[str]:
    """One line for each thing that is wrong; names with the same fate in one."""
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for finding in group:
        fate = (finding.usable_in, finding.broken_in) if finding.broken_in else (finding.summary,)
        alike.setdefault(fate, []).append(finding)
    lines = []
    for same in list(alike.values())[:limit]:
        names = [finding.netns or "" for finding in same]
        told = same[0].summary
        if len(same) > 1:
            told = told.replace(f"{names[0]} is", f"{count(len(names), 'name')}, {several(names)}: each is", 1)
        lines.append(told)
    left = [finding for same in list(alike.values())[limit:] for finding in same]
    if left:
        lines.append(f"and {len(left):,} more: {several([f.netns or f.summary for f in left], 12)}")
    return lines


def sufferers(group: Sequence[Finding]) -> list[str]:
    """Everybody that suffers from one of the group, once."""
    return list(dict.fromkeys(label for finding in group for label in finding.suffers))


def summary(observation: Observation, findings: Sequence[Finding]) -> str:
    """One line: what was found, in what."""
    seen = [count(len(observation.namespaces), "mount namespace")]
    if observation.networks:
        seen.append(count(len(observation.networks), "network namespace"))
    if observation.parts and not findings:
        return f"cannot tell: {cannot_tell(observation)}"
    found = count(len(findings), "finding") if findings else "nothing wrong"
    among = "in what could be looked at: " if observation.unread and not findings else "in "
    return f"{found} {among}{' and '.join(seen)}"


def cannot_tell(observation: Observation) -> str:
    """What is missing in the parts of mountinfo that were given, and what to do."""
    by_what: dict[str, list[str]] = {}
    for label, what in observation.parts.items():
        by_what.setdefault(what, []).append(label)
    said = "; ".join(f"{what} in {several(labels)}" for what, labels in by_what.items())
    return f"{said}: send the whole file (cat /proc/PID/mountinfo)"


def describe(action: RemoveName | PinName) -> str:
    """A safe mend in words."""
    if isinstance(action, RemoveName):
        return f"remove the dead name {action.path} (plain file, inode {action.inode})"
    return f"give {action.path} back to the living namespace net:[{action.inode}]"
