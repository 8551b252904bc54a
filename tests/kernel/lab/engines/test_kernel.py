"""Scenarios on the real kernel: what a dockerd did, and what the model says of random ones."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.scenarios.generate import scenario as generated

from netmend.lab.engines.kernel import perform_here
from netmend.lab.scenario.run import predict
from netmend.lab.scenario.scenario import load

RECORDED = Path(__file__).parents[3] / "unit/lab/scenario/propagation-docker.jsonl"
GENERATED = 150


def test_the_kernel_does_what_the_recorded_dockerd_did() -> None:
    text = RECORDED.read_text()
    observed = [json.loads(line)["observed"] for line in text.splitlines()]
    scenarios = load(str(RECORDED), text)
    assert [perform_here(scenario)["results"] for scenario in scenarios] == observed


def test_the_kernel_does_what_the_model_says_of_random_scenarios() -> None:
    text = "\n".join(json.dumps(generated(7, number)) for number in range(GENERATED))
    for scenario in load("generated.jsonl", text):
        assert perform_here(scenario) == predict(scenario)


def test_the_kernel_does_what_the_model_says_of_an_engine_apart() -> None:
    path = Path(__file__).parents[4] / "examples/scenarios/engine-apart.yaml"
    (scenario,) = load(str(path), path.read_text())
    assert perform_here(scenario) == predict(scenario)
