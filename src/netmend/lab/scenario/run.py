"""Scenarios performed, step by step, in a world; one result a step."""

from __future__ import annotations

import errno
from typing import TypedDict

from netmend.lab.engines.built_in_engine import BuiltInEngine
from netmend.lab.engines.world import Refused, World
from netmend.lab.scenario.scenario import HOST, Scenario, Step
from netmend.propagation.model.system import ModelSystem

Result = str | dict[str, str]
"""``ok``, ``busy``, ``exists``, ``error``, ``refused: …``; for a probe ``ok``, ``einval`` or ``absent`` by place."""

_WORDS = {errno.EBUSY: "busy", errno.EEXIST: "exists"}


class Results(TypedDict):
    """What ``--json`` prints for a scenario: results in the order of steps."""

    name: str
    results: list[Result]


def perform(scenario: Scenario, world: World) -> Results:
    """All steps of a scenario; a step that fails does not end it."""
    return {"name": scenario.name, "results": [_result(world, step) for step in scenario.steps]}


def predict(scenario: Scenario) -> Results:
    """What the model says will happen."""
    return perform(scenario, BuiltInEngine(ModelSystem.boot(), scenario))


def _result(world: World, step: Step) -> Result:
    try:
        if step.verb == "probe":
            return {where: world.probe(where, step.netns) for where in (*world.running(), HOST)}
        _do(world, step)
    except Refused as refused:
        return f"refused: {refused}"
    except OSError as error:
        return _WORDS.get(error.errno or 0, "error")
    return "ok"


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
