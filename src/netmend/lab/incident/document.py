"""The incident as one JSON document. Its shape is documented in docs/incident.md."""

from __future__ import annotations

from typing import Any

from netmend import __version__
from netmend.lab.incident.replay import Outcome
from netmend.lab.incident.sentences import command_of, verdict


def document(outcome: Outcome) -> dict[str, Any]:
    """Plain values, ready for JSON."""
    setup = outcome.setup
    rounds = outcome.counted_rounds
    return {
        "version": __version__,
        "ok": outcome.ok,
        "setup": {
            "engine": setup.engine,
            "propagation": dict(setup.propagation),
            "made_by": setup.made_by,
            "used_by": setup.used_by,
            "before": setup.before,
            "run": setup.run,
            "restarts": [{"what": restart.what, "round": restart.at} for restart in setup.restarts],
            "interval": outcome.interval,
        },
        "intent": outcome.wanted,
        "rounds": [
            {
                "round": played.number,
                "seconds": round(played.at, 6),
                "restarted": list(played.restarted),
                "old_agent": played.old_agent,
                "old_agent_new": played.new,
                "old_agent_error": played.failed,
                "netmend": played.netmend,
            }
            for played in outcome.rounds
        ],
        "old_agent": {
            "most": outcome.most("old_agent"),
            "left_behind": sum(played.new for played in rounds if played.failed),
            "changes": _changes(outcome.changes["old_agent"]),
        },
        "netmend": {
            "most": outcome.most("netmend"),
            "state": outcome.state.get("state", "not up"),
            "says": [outcome.state[key] for key in ("why", "fault", "cause", "mend") if key in outcome.state]
            + outcome.state.get("reasons", []),
            "changes": _changes(outcome.changes["netmend"]),
        },
        "verdict": {
            "leaked_each_round": outcome.leaked_each_round,
            "never_above_intent": outcome.never_above_intent,
            "events_lost": outcome.lost,
            "text": verdict(outcome),
        },
        "command": command_of(setup),
    }


def _changes(changes: list[tuple[float, int]]) -> list[list[float]]:
    return [[round(at, 6), count] for at, count in changes]
