"""What the search found, for people, as a document, and as scenario files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from netmend import __version__
from netmend.lab.incident.sentences import command_of
from netmend.lab.scenario.report import step_in_words
from netmend.lab.search.search import Found, Trigger, as_document, mounts_in_words

TITLES = {
    "creator-restarted": "the container that made the namespace is restarted; the name stays, the namespace does not",
    "reader-never-received": "who plugs sees the name, but the mount made elsewhere never reaches it",
    "name-from-before": "a plain file bears the name before anything starts",
    "other": "another way",
}


def report(found: Found) -> list[str]:
    """Lines of text."""
    lines = [
        f"{found.walked:,} set-ups walked by the model ({found.refused:,} of them Docker refuses), "
        f"{found.verified:,} scenarios verified on the kernel, {len(found.disagreements) or 'no'} disagreements"
    ]
    for number, trigger in enumerate(found.triggers, 1):
        lines += [
            "",
            f"{number}. {trigger.scenario.name}: {TITLES[trigger.id]}",
            f"   {trigger.ways} set-ups come to this",
        ]
        lines.append("   shortest reproduction")
        containers = trigger.scenario.containers.items()
        lines += [f"     {name}: -v {volume}" for name, spec in containers for volume in spec.volumes]
        lines += [f"     {step_in_words(step)}" for step in trigger.scenario.steps]
        lines.append("   with these mounts of /run/netns")
        lines += [f"     {line}" for line in mounts_in_words(trigger)]
        lines.append(f"   with real taps: {command_of(trigger.setup)}")
    lines += [f"the kernel did otherwise than the model: {as_document(scenario)}" for scenario in found.disagreements]
    return lines


def document(found: Found) -> dict[str, Any]:
    """Plain values, ready for JSON; docs/incident.md describes them."""
    return {
        "version": __version__,
        "walked": found.walked,
        "refused": found.refused,
        "verified": found.verified,
        "disagreements": [as_document(scenario) for scenario in found.disagreements],
        "triggers": [_trigger(trigger) for trigger in found.triggers],
    }


def _trigger(trigger: Trigger) -> dict[str, Any]:
    return {
        "name": trigger.scenario.name,
        "id": trigger.id,
        "title": TITLES[trigger.id],
        "set_ups": trigger.ways,
        "mounts": [{"propagation": dict(mounts.propagation), "run": mounts.run} for mounts in trigger.mounts],
        "scenario": as_document(trigger.scenario),
        "command": command_of(trigger.setup),
    }


def write_scenarios(found: Found, directory: Path) -> list[Path]:
    """`DIRECTORY/NAME.yaml` for each trigger, for `netmend lab run`; the paths. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for trigger in found.triggers:
        path = directory / f"{trigger.scenario.name}.yaml"
        text = yaml.safe_dump(as_document(trigger.scenario), sort_keys=False, default_flow_style=None, width=120)
        path.write_text(f"# {TITLES[trigger.id].capitalize()}.\n{text}", encoding="utf-8")
        written.append(path)
    return written
