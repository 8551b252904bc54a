"""Steps and results in words, and the difference between two results."""

from __future__ import annotations

from collections.abc import Iterator

from netmend.lab.scenario.run import Result, Results
from netmend.lab.scenario.scenario import Scenario, Step


def step_in_words(step: Step) -> str:
    """One line, as a person would say it."""
    match step.verb:
        case "start" | "stop" | "restart":
            return f"{step.verb} {step.where}"
        case "rm" if step.whole:
            return f"rm {step.where}"
        case "add" | "delete":
            return f"{step.where}: ip netns {step.verb} {step.netns}"
        case "probe":
            where = f"{step.where}: " if step.where else ""
            return f"{where}probe {step.path or step.netns}"
        case "pin":
            return f"{step.where}: pin a namespace on {step.path}"
        case "rm":
            return f"{step.where}: rm {step.path}"
        case "umount":
            return f"{step.where}: umount {'-l ' if step.lazy else ''}{step.path}"
        case "make":
            return f"{step.where}: mount --make-{step.propagation} {step.path}"
    if step.source is None:
        return f"{step.where}: mount -t tmpfs tmpfs {step.path}"
    return f"{step.where}: mount --{'r' if step.recursive else ''}bind {step.source} {step.path}"


def result_in_words(result: Result) -> str:
    """One line."""
    if isinstance(result, str):
        return result
    return ", ".join(f"{where} {outcome}" for where, outcome in result.items())


def report(scenario: Scenario, results: Results) -> Iterator[str]:
    """The lines of a whole scenario."""
    yield f"{scenario.name}"
    for number, (step, result) in enumerate(zip(scenario.steps, results["results"], strict=True), 1):
        yield f"  {number:3}  {step_in_words(step):44}  {result_in_words(result)}"


def differences(scenario: Scenario, predicted: Results, seen: Results) -> list[dict[str, object]]:
    """Each step with another result: ``{"step", "what", "predicted", "seen"}``, steps counted from 1."""
    pairs = zip(scenario.steps, predicted["results"], seen["results"], strict=True)
    return [
        {"step": number, "what": step_in_words(step), "predicted": expected, "seen": result}
        for number, (step, expected, result) in enumerate(pairs, 1)
        if expected != result
    ]
