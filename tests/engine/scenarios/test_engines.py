"""Scenarios on real engines: the recorded ones again, and random ones against the model.

DOCKER_HOST may name the socket of an engine that lies unpacked beside it; `tools/engine install` makes one, and is
used where it is there. NETMEND_ENGINE_SCENARIOS is how many random ones are run on each engine.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.scenarios.generate import scenario as generated

from netmend.lab.engines.choose import run
from netmend.lab.engines.world import EngineMissing
from netmend.lab.scenario.run import Result, Results, predict
from netmend.lab.scenario.scenario import EngineName, Scenario, load

TOP = Path(__file__).parents[3]
RECORDED = TOP / "tests/unit/lab/scenario/propagation-docker.jsonl"
COUNT = int(os.environ.get("NETMEND_ENGINE_SCENARIOS", "10"))

pytestmark = pytest.mark.timeout(0)


@pytest.fixture(autouse=True)
def unpacked_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    if "DOCKER_HOST" not in os.environ:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{TOP}/.tools/engine/docker.sock")


def perform(scenarios: list[Scenario], engine: EngineName) -> list[Results]:
    try:
        return run(scenarios, engine)
    except EngineMissing as missing:
        pytest.skip(str(missing))


def comparable(results: Results) -> list[Result]:
    # Of two mounts at the same depth, Docker may name either first; and a runtime words its refusals as it likes.
    return [
        "refused" if isinstance(result, str) and result.startswith("refused") else result
        for result in results["results"]
    ]


def test_docker_does_what_was_recorded() -> None:
    text = RECORDED.read_text()
    observed = [json.loads(line)["observed"] for line in text.splitlines()]
    assert [results["results"] for results in perform(load(str(RECORDED), text), "docker")] == observed


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_an_engine_does_what_the_model_says(engine: EngineName) -> None:
    text = "\n".join(json.dumps(generated(11, number)) for number in range(COUNT))
    scenarios = [replace(scenario, engine=engine) for scenario in load("generated.jsonl", text)]
    for scenario, seen in zip(scenarios, perform(scenarios, engine), strict=True):
        assert comparable(seen) == comparable(predict(scenario)), scenario.name


def test_podman_starts_where_docker_refuses_and_nothing_travels() -> None:
    text = (
        "host: {run: private}\ncontainers: {a: {volumes: ['/run/netns:/run/netns:shared']}}\n"
        "steps: [{start: a}, {add: {in: host, netns: x}}, {probe: x}]\n"
    )
    (results,) = perform([replace(scenario, engine="podman") for scenario in load("x.yaml", text)], "podman")
    assert results["results"] == ["ok", "ok", {"a": "einval", "host": "ok"}]
