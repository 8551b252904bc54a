"""Every way to endless taps among the options: walked by the model of the kernel, found ways verified on the kernel.

Taps are endless where the name is there for the agent that plugs, and no namespace is behind it: each resync makes
devices, believes the name, fails, and begins anew. So a way is a set-up whose last probe says `einval` for the user.

Set-ups that differ in what does not matter are one trigger: each is made smaller, as long as taps stay endless, by
leaving out restarts, then what was there before, then the second container; equal ones are then counted as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, product
from typing import Literal, get_args

from netmend.lab.engines import kernel
from netmend.lab.incident.setup import NO_MOUNT, WORDS, Before, Restart, Run, Setup, scenario_of
from netmend.lab.scenario.run import Results, predict
from netmend.lab.scenario.scenario import HOST, Scenario

TriggerId = Literal["creator-restarted", "reader-never-received", "name-from-before", "other"]
"""The first three are the variants of the signature `stale-namespace-name` in `netmend timeline`."""

_PAIR_WORDS = (NO_MOUNT, "private", "shared", "slave")
_ORDERS: tuple[tuple[str, ...], ...] = ((), ("a",), ("b",), ("a", "b"), ("b", "a"))
_NETNS = "x"
Progress = Callable[[int, int], None]
"""Is told how many of how many are done."""


@dataclass(frozen=True, slots=True)
class Mounts:
    """Options under which a trigger works."""

    propagation: tuple[tuple[str, str], ...]
    run: Run


@dataclass(slots=True)
class Trigger:
    """One way to endless taps; `setup` is its shortest reproduction, `mounts` all options that were found to do."""

    id: TriggerId
    setup: Setup
    scenario: Scenario
    mounts: dict[Mounts, Setup] = field(default_factory=dict)
    ways: int = 0  # set-ups that come down to this one


@dataclass(slots=True)
class Found:
    """`refused`: set-ups that Docker does not start. `disagreements`: where the kernel did otherwise than the model."""

    triggers: list[Trigger] = field(default_factory=list)
    walked: int = 0
    refused: int = 0
    verified: int = 0
    disagreements: list[Scenario] = field(default_factory=list)


def setups() -> list[Setup]:
    """All that are walked."""
    return list(chain(_alone(), _pairs()))


def _alone() -> Iterator[Setup]:
    """One container that uses what it made itself, or what was made on the host."""
    for word, run, before, maker, order in product(WORDS, get_args(Run), get_args(Before), ("a", HOST), ((), ("a",))):
        yield Setup({"a": word}, maker, "a", before, run, _restarts(order))


def _pairs() -> Iterator[Setup]:
    """Container `b` uses what `a` made."""
    axes = product(_PAIR_WORDS, _PAIR_WORDS, get_args(Run), get_args(Before), _ORDERS, (("a", "b"), ("b", "a")))
    for a, b, run, before, order, started in axes:
        words = {"a": a, "b": b}
        yield Setup({name: words[name] for name in started}, "a", "b", before, run, _restarts(order))


def _restarts(order: tuple[str, ...]) -> tuple[Restart, ...]:
    return tuple(Restart(what, 1) for what in order)


def outcome_of(setup: Setup, results: Results) -> Literal["endless", "fine", "refused"]:
    """What a scenario's results mean for the set-up."""
    if any(isinstance(result, str) and result.startswith("refused") for result in results["results"]):
        return "refused"
    probe = results["results"][-1]
    assert isinstance(probe, dict)
    return "endless" if probe.get(setup.used_by) == "einval" else "fine"


def _is_endless(setup: Setup) -> bool:
    return outcome_of(setup, predict(scenario_of(setup, "search", _NETNS))) == "endless"


def search(progress: Progress = lambda done, of: None, *, all_on_kernel: bool = False) -> Found:
    """Walk all set-ups by the model; verify each trigger with all its options, or all set-ups, on the kernel.

    Raises EngineMissing where this machine has no sandbox for the kernel.
    """
    found = Found()
    by_key: dict[tuple[object, ...], Trigger] = {}
    whole = setups()
    for number, setup in enumerate(whole, 1):
        outcome = outcome_of(setup, predict(scenario_of(setup, "search", _NETNS)))
        found.walked += 1
        found.refused += outcome == "refused"
        if outcome == "endless":
            _add(by_key, _smaller(setup))
        progress(number, len(whole))
    found.triggers = [_shortest(trigger) for trigger in by_key.values()]
    found.triggers.sort(key=lambda trigger: (get_args(TriggerId).index(trigger.id), trigger.setup.made_by == HOST))
    _verify(found, whole if all_on_kernel else [s for t in found.triggers for s in t.mounts.values()])
    return found


def _add(by_key: dict[tuple[object, ...], Trigger], setup: Setup) -> None:
    key = (setup.made_by, setup.used_by, setup.before, tuple(restart.what for restart in setup.restarts))
    trigger = by_key.get(key)
    if trigger is None:
        trigger = by_key[key] = Trigger(_id(setup), setup, scenario_of(setup, "search", _NETNS))
    trigger.ways += 1
    trigger.mounts.setdefault(Mounts(tuple(sorted(setup.propagation.items())), setup.run), setup)


def _id(setup: Setup) -> TriggerId:
    if setup.before == "file":
        return "name-from-before"
    if setup.made_by != setup.used_by:
        return "reader-never-received"
    return "creator-restarted" if setup.restarts else "other"


def _smaller(setup: Setup) -> Setup:
    """The set-up without what endless taps do not need."""
    while (smaller := _smaller_once(setup)) != setup:
        setup = smaller
    return setup


def _smaller_once(setup: Setup) -> Setup:
    for restart in setup.restarts:
        fewer = replace(setup, restarts=tuple(other for other in setup.restarts if other is not restart))
        setup = fewer if _is_endless(fewer) else setup
    without = replace(setup, before="none")
    setup = without if _is_endless(without) else setup
    alone = _alone_from(setup)
    return alone if alone is not None and _is_endless(alone) else setup


def _alone_from(setup: Setup) -> Setup | None:
    """The same with one container, called `a`, that makes what it uses; None where there is one already."""
    if setup.made_by == setup.used_by:
        return None
    restarts = tuple(Restart("a", restart.at) for restart in setup.restarts if restart.what == setup.used_by)
    return replace(
        setup, propagation={"a": setup.propagation[setup.used_by]}, made_by="a", used_by="a", restarts=restarts
    )


def _shortest(trigger: Trigger) -> Trigger:
    """With Docker's own default where that will do, on a host as systemd leaves it."""
    candidates = sorted(trigger.mounts.values(), key=_distance_from_default)
    trigger.setup = candidates[0]
    trigger.scenario = _trimmed(trigger.setup, _name(trigger))
    return trigger


def _distance_from_default(setup: Setup) -> tuple[object, ...]:
    strange = [word not in ("private", "shared") for word in setup.propagation.values()]
    spoken = sum(word != "private" for word in setup.propagation.values())
    return setup.run != "shared", sum(strange), spoken, list(setup.propagation) != sorted(setup.propagation)


def _name(trigger: Trigger) -> str:
    made = "-made-on-the-host" if trigger.setup.made_by == HOST else ""
    return f"{trigger.id}{made}"


def _trimmed(setup: Setup, name: str) -> Scenario:
    """The scenario without an `add` that only finds the name there."""
    scenario = scenario_of(setup, name, _NETNS)
    results = predict(scenario)["results"]
    steps = tuple(step for step, result in zip(scenario.steps, results, strict=True) if result != "exists")
    trimmed = replace(scenario, steps=steps)
    return trimmed if outcome_of(setup, predict(trimmed)) == "endless" else scenario


def _verify(found: Found, chosen: list[Setup]) -> None:
    scenarios = [trigger.scenario for trigger in found.triggers]
    scenarios += [scenario_of(setup, "search", _NETNS) for setup in chosen]
    for scenario, seen in zip(scenarios, kernel.run(scenarios), strict=True):
        found.verified += 1
        if seen["results"] != predict(scenario)["results"]:
            found.disagreements.append(scenario)


def mounts_in_words(trigger: Trigger) -> list[str]:
    """Options under which the trigger works, those that differ only in one container's word on one line."""
    grouped: dict[tuple[Run, str, str], list[str]] = {}
    for mounts in trigger.mounts:
        *others, (last, word) = mounts.propagation
        first = "".join(f"{name}={other} " for name, other in others)
        grouped.setdefault((mounts.run, first, last), []).append(word)
    runs: dict[str, list[str]] = {}
    for (run, first, last), words in grouped.items():
        line = f"{first}{last}={'|'.join(sorted(words, key=WORDS.index))}"
        runs.setdefault(line, []).append(run)
    return [f"{line}, /run {' or '.join(sorted(which, reverse=True))}" for line, which in runs.items()]


def as_document(scenario: Scenario) -> Mapping[str, object]:
    """A scenario of an incident in the scenario format, as plain values."""
    steps: list[dict[str, object]] = []
    for step in scenario.steps:
        match step.verb:
            case "start" | "restart":
                steps.append({step.verb: step.where})
            case "probe":
                steps.append({"probe": step.netns})
            case "umount":
                steps.append({"umount": {"in": step.where, "path": step.path}})
            case _:
                steps.append({step.verb: {"in": step.where, "netns": step.netns}})
    containers = {name: {"volumes": list(spec.volumes)} for name, spec in scenario.containers.items()}
    return {
        "name": scenario.name,
        "engine": scenario.engine,
        "host": {"run": scenario.host.run},
        "containers": containers,
        "steps": steps,
    }
