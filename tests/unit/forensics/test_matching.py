# ruff: noqa: E501 - log lines are kept whole
"""What brought a failure about, what follows from what, and the same verdict whatever is around the lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.forensics.logs import Night, at, docker_json, short, tap
from tests.unit.forensics.test_signatures import iproute_refuses, leaking_agent, verdicts

from netmend.forensics.report import read


def test_trigger_creator_restarted(tmp_path: Path) -> None:
    night = Night().healthy()
    night.start(1795, "dhcp-agent")
    leaking_agent(night)
    found = verdicts(night, tmp_path)["stale-namespace-name"]
    assert found.variant == "creator-restarted"
    assert any("started shortly before" in e.because for e in found.because)


def test_trigger_reader_never_received(tmp_path: Path) -> None:
    night = Night().healthy()
    iproute_refuses(night)
    assert verdicts(night, tmp_path)["stale-namespace-name"].variant == "reader-never-received"


def test_trigger_is_not_guessed(tmp_path: Path) -> None:
    """The agent fails, long after its start: these logs do not say why."""
    night = Night().healthy()
    leaking_agent(night, start=7200)
    assert verdicts(night, tmp_path)["stale-namespace-name"].variant is None


def told(seconds: float, event: str, level: str = "info", **fields: str) -> str:
    """netmend's own log and the lab's: structlog's JSON lines."""

    return json.dumps(
        {"event": event, "level": level, "timestamp": at(seconds).isoformat().replace("+00:00", "Z"), **fields}
    )


def test_triggers_by_who_made_the_namespace(tmp_path: Path) -> None:
    """Where namespaces are told with their maker, the two triggers are told apart by name alone."""
    night = Night()
    night.add("lab", told(0, "agent started", agent="a"), told(1, "namespace created", namespace="qdhcp-1", agent="a"))
    night.add("lab", told(2, "agent started", agent="a"))
    for i in range(5):
        night.add("lab", told(3 + i, "device created", device=tap(i), network="1", agent="a"))
        night.add("lab", told(3 + i, "set_netns failed: Invalid argument", "error", namespace="qdhcp-1", agent="a"))
    found = read(night.write(tmp_path))
    assert found.verdicts[0].variant == "creator-restarted"
    assert (found.leak.created, found.leak.networks[0].network) == (5, "1")

    # Both fail, each on what the other made; names of one letter are told apart.
    both = Night()
    for maker, user in ("ab", "ba"):
        both.add(
            "lab",
            told(0, "agent started", agent=maker),
            told(1, "namespace created", namespace=f"qdhcp-{maker}", agent=maker),
        )
        for i in range(5):
            both.add(
                "lab",
                told(3 + i, "set_netns failed: Invalid argument", "error", namespace=f"qdhcp-{maker}", agent=user),
            )
    twice = read(both.write(tmp_path))
    assert twice.verdicts[0].variant == "reader-never-received"
    assert {r.actor: r.count for r in twice.repeats if r.level == "ERROR"} == {"a": 5, "b": 5}

    other = Night()
    other.add("lab", told(0, "agent started", agent="a"), told(0, "agent started", agent="b"))
    other.add("lab", told(1, "namespace created", namespace="qdhcp-1", agent="a"))
    for i in range(5):
        other.add("lab", told(3 + i, "set_netns failed: Invalid argument", "error", namespace="qdhcp-1", agent="b"))
    assert verdicts(other, tmp_path)["stale-namespace-name"].variant == "reader-never-received"


def test_triggers_told_by_a_coloured_console(tmp_path: Path) -> None:
    def line(seconds: float, level: str, event: str, **fields: str) -> str:
        stamp = at(seconds).isoformat().replace("+00:00", "Z")
        more = " ".join(f"\x1b[36m{k}\x1b[0m=\x1b[35m{v}\x1b[0m" for k, v in fields.items())
        return f"\x1b[2m{stamp}\x1b[0m [\x1b[32m\x1b[1m{level:<9}\x1b[0m] \x1b[1m{event:<30}\x1b[0m {more}"

    night = Night()
    night.add("lab", line(0, "info", "agent started", agent="a"), line(0, "info", "agent started", agent="b"))
    night.add("lab", line(1, "info", "namespace created", agent="a", namespace="qdhcp-1"))
    for i in range(5):
        night.add("lab", line(3 + i, "error", "set_netns failed: Invalid argument", agent="b", namespace="qdhcp-1"))
        night.add("lab", line(3 + i, "info", "device created", agent="b", device=tap(i), network="1"))
    report = read(night.write(tmp_path))
    assert [v.variant for v in report.verdicts] == ["reader-never-received"]
    assert (report.leak.created, report.leak.networks[0].network) == (5, "1")


def test_a_cause_is_told_from_what_follows(tmp_path: Path) -> None:
    night = Night().healthy()
    leaking_agent(night)
    for seconds in range(2400, 2500, 10):
        night.record(
            seconds,
            "dhcp-agent",
            "ERROR",
            "ovsdbapp.exceptions.TimeoutException: Commands [X()] exceeded timeout 10 seconds, cause: Result queue is empty",
        )
    found = verdicts(night, tmp_path)
    assert list(found) == ["stale-namespace-name", "ovsdb-overload"]
    assert found["ovsdb-overload"].caused_by == "stale-namespace-name"


@pytest.mark.parametrize("wrap", ["docker", "journal"])
def test_wrapped_logs_give_the_same_verdict(wrap: str, tmp_path: Path) -> None:
    """The agent's own lines, as Docker's json-file and as the journal hold them."""
    night = Night()
    leaking_agent(night)
    lines = "\n".join(night.lines["dhcp-agent"]).split("\n")
    wrapped = [
        docker_json(1800 + i / 50, line) if wrap == "docker" else short(1800 + i / 50, "neutron-dhcp-agent[7]", line)
        for i, line in enumerate(lines)
    ]
    path = tmp_path / "0e1f-json.log"
    path.write_text("\n".join(wrapped) + "\n")
    assert [v.signature for v in read([str(path)]).verdicts] == ["stale-namespace-name"]
