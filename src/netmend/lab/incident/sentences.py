"""The incident in words: the set-up, rounds, and the verdict; and its curve."""

from __future__ import annotations

import shlex

from netmend.lab.incident.curve import Curve, Series
from netmend.lab.incident.replay import Outcome, Round
from netmend.lab.incident.setup import Setup
from netmend.lab.scenario.scenario import HOST

OLD_AGENT = "old agent"
"""The stand-in, as tables and pictures call it."""


def setup_in_words(setup: Setup) -> str:
    """One line: containers with their mounts, who makes the name and who uses it."""
    mounts = ", ".join(f"{container}={word}" for container, word in setup.propagation.items())
    maker = "on the host" if setup.made_by == HOST else f"in {setup.made_by}"
    made = (
        f"made and used in {setup.used_by}"
        if setup.made_by == setup.used_by
        else f"made {maker}, used in {setup.used_by}"
    )
    before = {
        "none": "",
        "file": "; a plain file bears the name already",
        "namespace": "; a namespace of the host bears the name already",
    }[setup.before]
    run = "" if setup.run == "shared" else ", the host's /run private"
    return f"/run/netns mounted {mounts}{run}; the namespace is {made}{before}"


def command_of(setup: Setup) -> str:
    """The command line that plays it."""
    mounts = ",".join(f"{container}={word}" for container, word in setup.propagation.items())
    words = ["netmend", "lab", "incident", "--once", "--propagation", mounts]
    words += ["--made-by", setup.made_by, "--used-by", setup.used_by]
    for option, value, default in (
        ("--before", setup.before, "none"),
        ("--run", setup.run, "shared"),
        ("--engine", setup.engine, "kernel"),
    ):
        words += [option, value] if value != default else []
    for restart in setup.restarts:
        words += ["--restart", f"{restart.what}@{restart.at}"]
    if not setup.restarts and setup.made_by == setup.used_by and setup.before == "none":
        words.append("--no-restart")
    return shlex.join(words)


def round_in_words(played: Round, wanted: int) -> str:
    """One line for people who follow without a terminal."""
    head = f"round {played.number:<4} old agent {played.old_agent:>5}   netmend {played.netmend:>3}   intent {wanted}"
    return head + "".join(f"   {note}" for note in notes(played))


def notes(played: Round) -> list[str]:
    restarted = [f"restarted {container}" for container in played.restarted]
    return restarted + ([f"old agent: {played.failed}"] if played.failed else [])


def verdict(outcome: Outcome) -> list[str]:
    """What came of it, one sentence a line."""
    return [_old(outcome), *_new(outcome)]


def _old(outcome: Outcome) -> str:
    rounds = outcome.counted_rounds
    if not rounds:
        return "No round was played after the last restart, so there is nothing to say of the old agent."
    leaked = sum(played.new for played in rounds if played.failed)
    end = outcome.rounds[-1].old_agent
    if outcome.leaked_each_round:
        return (
            f"The old agent left {leaked} dead devices behind in {len(rounds)} rounds, and would go on for ever: "
            f"{end} are there, intent asks for {outcome.wanted}."
        )
    if leaked:
        failed = sum(bool(played.failed) for played in rounds)
        return (
            f"The old agent leaked in {failed} of {len(rounds)} rounds: {leaked} devices; {end} are there at the end."
        )
    user = outcome.setup.used_by
    return f"The old agent did not leak: with these mounts and restarts, the name leads {user} to a namespace."


def _new(outcome: Outcome) -> list[str]:
    state = outcome.state.get("state", "not up")
    most = outcome.most("netmend")
    if outcome.lost:
        return ["netmend's count cannot be told for every instant: the kernel dropped events."]
    lines = [
        f"netmend had {most} devices at most, at any instant; intent asks for {outcome.wanted}. The network is {state}."
    ]
    if not outcome.state.get("settled"):
        lines.append(f"But netmend did not come up: {outcome.state.get('why', 'it says nothing')}")
    lines += [f"netmend says: {reason}" for reason in outcome.state.get("reasons", [])]
    if "fault" in outcome.state:
        lines += [
            f"netmend says: {outcome.state['fault']}",
            f"cause: {outcome.state['cause']}",
            f"mend: {outcome.state['mend']}",
        ]
    return lines


def curve_of(outcome: Outcome) -> Curve:
    """Devices on both hosts over the whole of the incident."""
    marks = [
        (played.began, f"{', '.join(played.restarted)} restarted") for played in outcome.rounds if played.restarted
    ]
    return Curve(
        "Devices on the host",
        setup_in_words(outcome.setup),
        (
            Series(OLD_AGENT, "old", outcome.changes["old_agent"]),
            Series("netmend", "new", outcome.changes["netmend"]),
        ),
        outcome.wanted,
        tuple(marks),
        outcome.rounds[-1].at if outcome.rounds else 0.0,
    )
