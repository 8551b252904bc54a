"""The history of resync reasons and findings, kept over restarts.

What is wrong now has a row without an end. `record` takes all that is wrong at one moment: what is new begins,
and what is no longer among it has ended. The oldest that have ended make room.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from netmend.ground.diagnosis import Diagnosis
from netmend.sources.store.transaction import Transaction

KEPT = 10_000  # rows of each kind
_REASON = ("network", "port", "reason", "since", "resolved", "failures")


@dataclass(frozen=True, slots=True)
class ReasonRecord:
    """Why a network, or one port of it, is not as intent says; `since` in seconds since the epoch."""

    network_id: str
    port_id: str | None
    reason: str
    since: float
    failures: int


def record(tx: Transaction, reasons: Iterable[ReasonRecord], findings: Iterable[Diagnosis]) -> None:
    """All that is wrong now."""
    execute = tx.connection.execute
    wrong = {(reason.network_id, reason.port_id or "", reason.reason): reason for reason in reasons}
    query = "SELECT number, network_id, coalesce(port_id, ''), reason, failures FROM resync WHERE resolved IS NULL"
    for number, network_id, port_id, text, failures in execute(query).fetchall():
        still = wrong.pop((network_id, port_id, text), None)
        if still is None:
            execute("UPDATE resync SET resolved = ? WHERE number = ?", (tx.now, number))
        elif still.failures != failures:
            execute("UPDATE resync SET failures = ? WHERE number = ?", (still.failures, number))
    for reason in wrong.values():
        row = (reason.network_id, reason.port_id, reason.reason, reason.since, reason.failures)
        execute("INSERT INTO resync (network_id, port_id, reason, since, failures) VALUES (?, ?, ?, ?, ?)", row)
    found = {finding.summary: finding for finding in findings}
    for number, summary in execute("SELECT number, summary FROM finding WHERE resolved IS NULL").fetchall():
        if found.pop(summary, None) is None:
            execute("UPDATE finding SET resolved = ? WHERE number = ?", (tx.now, number))
    for finding in found.values():
        values = (finding.summary, json.dumps(finding.evidence), finding.cause, finding.mend, tx.now)
        execute("INSERT INTO finding (summary, evidence, cause, mend, since) VALUES (?, ?, ?, ?, ?)", values)
    for table in ("resync", "finding"):
        oldest = f"SELECT coalesce(max(number), 0) - {KEPT} FROM {table}"
        execute(f"DELETE FROM {table} WHERE resolved IS NOT NULL AND number <= ({oldest})")


def read_records(connection: sqlite3.Connection, limit: int) -> dict[str, list[dict[str, Any]]]:
    """`reasons` and `findings`, the newest first; `resolved` is None where it is so still. Times since the epoch."""
    reasons = connection.execute(
        "SELECT network_id, port_id, reason, since, resolved, failures FROM resync ORDER BY number DESC LIMIT ?",
        (limit,),
    )
    findings = connection.execute(
        "SELECT summary, evidence, cause, mend, since, resolved FROM finding ORDER BY number DESC LIMIT ?", (limit,)
    )
    return {
        "reasons": [dict(zip(_REASON, row, strict=True)) for row in reasons],
        "findings": [
            Diagnosis(summary, tuple(json.loads(evidence)), cause, mend).as_json()
            | {"since": since, "resolved": resolved}
            for summary, evidence, cause, mend, since, resolved in findings
        ],
    }
