"""The report as plain values for `--json`. `docs/timeline.md` documents the shape."""

from __future__ import annotations

from netmend.forensics.matching import Verdict
from netmend.forensics.report import Happening, Report, iso


def _happening(happening: Happening) -> dict[str, object]:
    return {
        "time": iso(happening.first),
        "last": iso(happening.last),
        "event": happening.event,
        "kind": happening.kind,
        "source": happening.actor,
        "count": happening.count,
        "message": happening.message,
        "file": happening.file,
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "signature": verdict.signature,
        "title": verdict.title,
        "confidence": verdict.confidence,
        "first": iso(verdict.first),
        "last": iso(verdict.last),
        "variant": verdict.variant,
        "variant_title": verdict.variant_title or None,
        "because": [
            {
                "what": e.because,
                "event": e.event,
                "sources": list(e.actors),
                "count": e.count,
                "first": iso(e.first),
                "last": iso(e.last),
                "message": e.sample,
                "file": e.file,
            }
            for e in verdict.because
        ],
        "contradicted_by": list(verdict.contradicted),
        "explains": verdict.explains,
        "do": list(verdict.do),
        "caused_by": verdict.caused_by,
    }


def to_json(report: Report) -> dict[str, object]:
    """The report as plain values; times are RFC 3339 texts in UTC."""
    measured = report.leak
    return {
        "outcome": report.outcome.value,
        "read": {
            "files": len(report.files),
            "unread_files": sum(f.unread for f in report.files),
            "lines": report.lines,
            "understood_lines": report.understood,
            "dated_lines": report.dated,
        },
        "first_failure": _happening(report.first_failure) if report.first_failure else None,
        "events": [_happening(h) for h in report.events],
        "events_left_out": report.events_left_out,
        "repeats": [
            {
                "message": r.message,
                "level": r.level,
                "source": r.actor,
                "count": r.count,
                "first": iso(r.first),
                "last": iso(r.last),
                "per_minute": r.per_minute,
                "example": r.example,
                "file": r.file,
            }
            for r in report.repeats
        ],
        "repeats_left_out": report.repeats_left_out,
        "leak": {
            "leaking": measured.leaking,
            "because": measured.because or None,
            "created": measured.created,
            "deleted": measured.deleted,
            "remaining": measured.remaining,
            "ports_asked": measured.ports_asked,
            "first": iso(measured.first),
            "last": iso(measured.last),
            "per_minute": measured.per_minute,
            "peak_per_minute": measured.peak_per_minute,
            "exact": measured.exact,
            "networks": [
                {
                    "network": n.network,
                    "devices": n.devices,
                    "ports_asked": n.ports_asked,
                    "per_minute": n.per_minute,
                    "first": iso(n.first),
                    "last": iso(n.last),
                }
                for n in measured.networks
            ],
        },
        "verdict": [_verdict(v) for v in report.verdicts],
        "files": [
            {
                "file": f.path,
                "bytes": f.size,
                "lines": f.lines,
                "unknown_lines": f.unknown,
                "dated_lines": f.dated,
                "formats": dict(sorted(f.formats.items())),
                "first": iso(f.first) if f.first <= f.last else None,
                "last": iso(f.last) if f.first <= f.last else None,
                "assumed": f.assumed,
                "notes": f.notes,
            }
            for f in report.files
        ],
        "event_resolution_seconds": report.bucket,
    }
