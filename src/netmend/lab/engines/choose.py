"""From an engine's name to a place where scenarios happen. Each engine is imported only when it is used."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import cast

from netmend.lab.scenario.run import Results
from netmend.lab.scenario.scenario import EngineName, Scenario


def run(scenarios: Iterable[Scenario], engine: EngineName | None = None) -> list[Results]:
    """Perform each scenario on the engine it names, or all on one; results in the order given. Raises EngineMissing."""
    waiting = list(scenarios)
    done: dict[int, Results] = {}
    wanted = [engine or scenario.engine for scenario in waiting]
    for name in dict.fromkeys(wanted):
        numbers = [number for number, other in enumerate(wanted) if other == name]
        place = import_module(f"netmend.lab.engines.{name}")
        results = cast(list[Results], place.run([waiting[number] for number in numbers]))
        done |= zip(numbers, results, strict=True)
    return [done[number] for number in range(len(waiting))]
