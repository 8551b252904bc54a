"""Runs the doctor's checks of the namespace directory for the node: at the start, when mounts change, and when a name
turns out to be dead."""

from collections.abc import Collection, Iterable
from dataclasses import replace  # noqa: TID251 - for a Diagnosis
from typing import TYPE_CHECKING

from netmend.ground.diagnosis import Diagnosis
from netmend.intent.names import namespace_name

if TYPE_CHECKING:
    from netmend.ground.finding import Finding


def diagnose_mounts(directory: str, network_ids: Iterable[str]) -> list[Diagnosis]:
    """What is wrong with the directory of names, and with the names of these networks; the worst first."""
    names = [namespace_name(network_id) for network_id in network_ids]
    by_cause: dict[tuple[str, str], list[Finding]] = {}
    for finding in _findings(directory, names):
        by_cause.setdefault((finding.check, finding.cause), []).append(finding)
    return [_together(findings) for findings in by_cause.values()]


def _together(findings: "list[Finding]") -> Diagnosis:
    """One diagnosis for findings with the same cause: a thousand names may be dead for one missing word."""
    first = _diagnosis(findings[0])
    return replace(first, summary=f"{first.summary}, and {len(findings) - 1} more") if findings[1:] else first


def diagnose_name(directory: str, name: str) -> Diagnosis | None:
    """Why `name` is a plain file here, as far as the mounts in sight tell."""
    findings = _findings(directory, (name,))
    about = [finding for finding in findings if finding.netns == name] or findings
    return _diagnosis(about[0]) if about else None


def _findings(directory: str, names: Collection[str]) -> "list[Finding]":
    from netmend.doctor.preflight import diagnose_directory  # loading the doctor must not delay the first answer

    return diagnose_directory(directory, names)


def _diagnosis(finding: "Finding") -> Diagnosis:
    return Diagnosis(finding.summary, finding.evidence, finding.cause, finding.mend)
