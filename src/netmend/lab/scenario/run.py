"""Scenarios performed, step by step, in a world; one result a step."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import TypedDict

from netmend.lab.engines.built_in_engine import BuiltInEngine
from netmend.lab.engines.world import Refused, World
from netmend.lab.scenario.scenario import HOST, Scenario, Step
from netmend.propagation.model.iproute import DIRECTORY
from netmend.propagation.model.system import ModelSystem
from netmend.propagation.options.docker import parse_compose, parse_mount
from netmend.propagation.options.request import OptionError
from netmend.propagation.paths import is_under, join_below

Result = str | dict[str, str]
"""``ok``, ``busy``, ``exists``, ``error``, ``refused: …``; for a probe ``ok``, ``einval`` or ``absent`` by place."""

_WORDS = {errno.EBUSY: "busy", errno.EEXIST: "exists"}


class Results(TypedDict):
    """What ``--json`` prints for a scenario: results in the order of steps."""

    name: str
    results: list[Result]


def perform(scenario: Scenario, world: World) -> Results:
    """All steps of a scenario; a step that fails does not end it."""
    return {"name": scenario.name, "results": [_result(scenario, world, step) for step in scenario.steps]}


def predict(scenario: Scenario) -> Results:
    """What the model says will happen."""
    return perform(scenario, BuiltInEngine(ModelSystem.boot(), scenario))


def _result(scenario: Scenario, world: World, step: Step) -> Result:
    try:
        if step.verb == "probe":
            places = [step.where] if step.where else [*world.running(), HOST]
            return {where: world.probe(where, step.path or _path_of(scenario, where, step.netns)) for where in places}
        _do(world, step)
    except Refused as refused:
        return f"refused: {refused}"
    except OSError as error:
        return _WORDS.get(error.errno or 0, "error")
    return "ok"


def _path_of(scenario: Scenario, where: str, netns: str) -> str:
    """Where a program in that place finds the name: /run/netns, or where the container mounts the host's directory."""
    spec = scenario.containers.get(where)
    found: list[str] = []
    for volume in (*spec.volumes, *spec.mounts) if spec is not None else ():
        try:
            request = parse_compose(volume) if isinstance(volume, Mapping) or ":" in volume else parse_mount(volume)
        except OptionError:
            continue
        source = (
            request.source.replace("/var/run", "/run", 1) if request.source.startswith("/var/run") else request.source
        )
        if request.kind == "bind" and is_under(DIRECTORY, source):
            found.append(join_below(request.target, DIRECTORY, source))
    usual = [path for path in found if path.removeprefix("/var") == DIRECTORY]
    return f"{DIRECTORY if usual or not found else found[0]}/{netns}"


def _do(world: World, step: Step) -> None:
    match step.verb:
        case "start":
            world.start(step.where)
        case "stop":
            world.stop(step.where)
        case "restart":
            world.restart(step.where)
        case "add":
            world.add(step.where, step.netns)
        case "pin":
            world.pin(step.where, step.path)
        case "delete":
            world.delete(step.where, step.netns)
        case "rm" if step.whole:
            world.remove(step.where)
        case "rm":
            world.unlink(step.where, step.path)
        case "mount":
            world.mount(step.where, step.source, step.path, recursive=step.recursive)
            if step.propagation:
                world.make(step.where, step.path, step.propagation)
        case "umount":
            world.umount(step.where, step.path, lazy=step.lazy)
        case "make":
            world.make(step.where, step.path, step.propagation)
