"""From observation to findings: every check, ranked; and on a live host looked at again before it is believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from netmend.doctor.checks import CHECKS
from netmend.doctor.observation import Observation
from netmend.doctor.places import HostView
from netmend.doctor.rehearsal.losses import as_commands, losses, withheld
from netmend.ground.finding import Finding

PAUSES = (0.05, 0.25)
"""Seconds between the looks at what seems wrong. A name is a plain file for 0.4-9.4 ms while it is made or deleted."""


def diagnose(observation: Observation) -> list[Finding]:
    """What one look shows, the worst first. Pure; half-made things are among it."""
    view = HostView(observation)
    found = [finding for check in CHECKS.values() for finding in check(view)]
    return ranked(_guarded(view, finding) for finding in _without_repeats(found))


def _guarded(view: HostView, finding: Finding) -> Finding:
    """The finding without commands, and without safe mends, that take something away on a copy of this host."""
    told = losses(view, finding.mend)
    kept = tuple(action for action in finding.safe if not losses(view, as_commands(action)))
    if not told and kept == finding.safe:
        return finding
    return replace(finding, mend=withheld(told) if told else finding.mend, safe=kept)


def diagnose_steadily(
    look: Callable[[], Observation], pause: Callable[[float], object] = time.sleep
) -> tuple[Observation, list[Finding]]:
    """Look, and look again at whatever seems wrong: only what stood all the while, down to its inodes, is a finding.

    A host in order costs one look. Returns the last observation. Raises what `look` raises.
    """
    observation = look()
    findings = diagnose(observation)
    for seconds in PAUSES:
        if not findings:
            break
        before = {(finding.check, finding.key) for finding in findings}
        pause(seconds)
        observation = look()
        findings = [finding for finding in diagnose(observation) if (finding.check, finding.key) in before]
    return observation, findings


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; of equals, in the order of the checks, then by name."""
    order = {name: position for position, name in enumerate(CHECKS)}
    return sorted(findings, key=lambda f: (-f.severity, order.get(f.check, len(order)), f.netns or "", f.summary))


def _without_repeats(findings: list[Finding]) -> list[Finding]:
    """Leave out what might go wrong with somebody of whom it is told that it has."""
    blamed = {
        (finding.directory, culprit)
        for finding in findings
        if finding.check in ("plain-file", "dead-name", "split-name")
        for culprit in finding.culprits
    }
    return [
        finding
        for finding in findings
        if finding.check != "not-shared"
        or not all((finding.directory, culprit) in blamed for culprit in finding.culprits)
    ]
