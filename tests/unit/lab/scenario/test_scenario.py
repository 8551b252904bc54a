"""Scenarios: the recorded truth predicted, the facts of the incident, and what bad files give."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from netmend.cli.lab import lab
from netmend.lab.engines.built_in_engine import BuiltInEngine
from netmend.lab.scenario.run import predict
from netmend.lab.scenario.scenario import Scenario, load
from netmend.lab.scenario.text import ScenarioError
from netmend.propagation.model.system import ModelSystem

RECORDED = Path(__file__).with_name("propagation-docker.jsonl")
EXAMPLES = Path(__file__).parents[4] / "examples/scenarios"
runner = CliRunner()

_recorded = [json.loads(line) for line in RECORDED.read_text().splitlines()]


@pytest.mark.parametrize("case", _recorded, ids=lambda case: str(case["scenario"]["name"]))
def test_a_recorded_dockerd_is_predicted_exactly(case: dict[str, Any]) -> None:
    (scenario,) = load("recorded.jsonl", json.dumps(case))
    assert predict(scenario)["results"] == case["observed"]


def of(steps: str, a: str = "[]", host: str = "{}", engine: str = "docker") -> list[Any]:
    text = f"engine: {engine}\nhost: {host}\ncontainers: {{a: {{volumes: {a}}}}}\nsteps: {steps}\n"
    (scenario,) = load("scenario.yaml", text)
    return predict(scenario)["results"]


def test_rm_on_the_host_destroys_what_only_a_private_container_could_use() -> None:
    steps = "[{start: a}, {add: {in: a, netns: x}}, {rm: {in: host, netns: x}}, {probe: x}]"
    assert of(steps, "['/run/netns:/run/netns']") == ["ok", "ok", "ok", {"a": "absent", "host": "absent"}]


@pytest.mark.parametrize("second", ["/run:/hostrun", "/run:/run"])
def test_a_hidden_copy_makes_deletion_busy(second: str) -> None:
    steps = "[{add: {in: host, netns: x}}, {start: a}, {delete: {in: a, netns: x}}, {probe: x}]"
    volumes = f"['{second}', '/run/netns:/run/netns:shared']"
    assert of(steps, volumes) == ["ok", "ok", "busy", {"a": "einval", "host": "einval"}]


def test_mounts_double_at_each_start() -> None:
    text = "containers: {a: {volumes: ['/run:/run:shared', '/run/netns:/run/netns']}}\nsteps: []\n"
    (scenario,) = load("x.yaml", text)
    host = ModelSystem.boot()
    world = BuiltInEngine(host, scenario)
    world.add("host", "x")
    counts = []
    for _ in range(5):
        world.restart("a") if world.running() else world.start("a")
        counts.append(sum(mount.mount_point.startswith("/run/netns") for mount in host.mounts()))
    growth = [later - earlier for earlier, later in itertools.pairwise(counts)]
    assert all(later == 2 * earlier for earlier, later in itertools.pairwise(growth))
    assert growth[0] > 0


def test_the_first_add_on_the_host_covers_what_a_slave_has() -> None:
    steps = "[{start: a}, {add: {in: a, netns: x}}, {probe: x}, {add: {in: host, netns: y}}, {probe: x}]"
    results = of(steps, "['/run/netns:/run/netns:slave']")
    assert results[2] == {"a": "ok", "host": "einval"}
    assert results[4] == {"a": "einval", "host": "einval"}


def test_podman_starts_where_docker_refuses_and_nothing_travels() -> None:
    steps = "[{start: a}, {add: {in: host, netns: x}}, {probe: x}]"
    volumes, host = "['/run/netns:/run/netns:shared']", "{run: private}"
    assert of(steps, volumes, host)[0].startswith("refused: path /run/netns is mounted on /run but")
    assert of(steps, volumes, host, "podman") == ["ok", "ok", {"a": "einval", "host": "ok"}]


def test_files_in_a_containers_own_root_outlive_a_restart_and_not_a_removal() -> None:
    steps = "[{start: a}, {add: {in: a, netns: x}}, {restart: a}, {probe: x}, {rm: a}, {start: a}, {probe: x}]"
    assert of(steps) == [
        *["ok"] * 3,
        {"a": "einval", "host": "absent"},
        *["ok"] * 2,
        {"a": "absent", "host": "absent"},
    ]


def test_mount_umount_and_make_steps() -> None:
    steps = """
      - {mount: {in: host, source: /run/netns, path: /run/netns, propagation: private}}
      - {start: a}
      - {make: {in: host, path: /run/netns, propagation: shared}}
      - {umount: {in: host, path: /run/nothing}}
      - {umount: {in: host, path: /run/netns}}
      - {start: a}
      - {mount: {in: a, type: tmpfs, path: /run}}
      - {mount: {in: b, type: tmpfs, path: /run}}
    """
    with pytest.raises(ScenarioError, match=r"mount\.in: must be one of host, a, not 'b'"):
        of(steps, "['/run/netns:/run/netns:shared']")
    results = of(steps.rsplit("- {mount", 1)[0], "['/run/netns:/run/netns:shared']")
    assert results == [
        "ok",
        "refused: path /run/netns is mounted on /run/netns but it is not a shared mount.",
        *("ok", "error", "ok", "ok", "ok"),
    ]


def test_a_bad_option_is_a_refused_start() -> None:
    assert of("[{start: a}]", "['/a:/b:sharde']") == ["refused: invalid mode: sharde"]
    assert of("[{start: a}]", "['/a:/b', '/c:/b']") == ["refused: Duplicate mount point: /b"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("f.yaml", "steps: [", "f.yaml:1: not YAML"),
        ("f.yaml", "name: x\n", "f.yaml:1: steps: must be a list; it is missing"),
        ("f.yaml", "", "f.yaml:1: must be a mapping"),
        ("f.yaml", "steps: []\nhost:\n  run: odd\n", "f.yaml:3: host.run: must be one of shared, private, not 'odd'"),
        ("f.yaml", "steps: []\nsteps: []\n", "f.yaml:2: steps: this key is here twice"),
        (
            "f.yaml",
            "steps:\n- start: a\n",
            "f.yaml:2: steps[0].start: must be one of the containers, and there are none",
        ),
        ("f.yaml", "steps:\n- {start: a, stop: a}\n", "f.yaml:2: steps[0]: a step has one key"),
        ("f.yaml", "steps:\n- probe: a/b\n", "f.yaml:2: steps[0].probe: a namespace's name is one component of a path"),
        ("f.yaml", "steps: []\nengine: rkt\n", "f.yaml:2: engine: must be one of kernel, docker, podman, not 'rkt'"),
        ("f.yaml", "steps: []\nfoo: 1\n", "f.yaml:2: foo: no such field"),
        ("f.yaml", "steps: []\ncontainers: {host: {}}\n", "containers.host: a container cannot be called host"),
        ("f.jsonl", '{"steps": []}\n{"steps": 1}\n', "f.jsonl:2: steps: must be a list, not 1"),
        ("f.jsonl", "\n{", "f.jsonl:2: not JSON"),
    ],
)
def test_problems_name_file_line_and_field(name: str, text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(name, text)
    assert message in str(caught.value)


def test_a_small_text_that_is_a_huge_value_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ScenarioError, match="more than"):
        load("f.yaml", "\n".join(lines))


@given(st.text(), st.sampled_from(["f.yaml", "f.jsonl"]))
def test_no_file_raises_anything_else(text: str, name: str) -> None:
    try:
        for scenario in load(name, text):
            assert isinstance(scenario, Scenario)
    except ScenarioError as error:
        assert str(error).startswith(f"{name}:")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
fields = st.sampled_from(
    ["name", "engine", "host", "run", "containers", "volumes", "steps", "start", "add", "in", "rm"]
)


@given(st.dictionaries(fields, json_values | st.dictionaries(fields, json_values, max_size=3), max_size=5))
def test_no_value_raises_anything_else(value: dict[str, Any]) -> None:
    try:
        load("f.jsonl", json.dumps(value))
    except ScenarioError as error:
        assert str(error).startswith("f.jsonl:1: ")


def test_lab_predict_prints_one_json_line_a_scenario() -> None:
    done = runner.invoke(lab, ["predict", str(RECORDED), "--json"])
    assert done.exit_code == 0
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert [line["results"] for line in lines] == [case["observed"] for case in _recorded]
    assert [line["name"] for line in lines] == [case["scenario"]["name"] for case in _recorded]


def test_lab_ends_with_2_where_it_cannot_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("steps: 1\n")
    for arguments, said in (
        (["predict", str(bad)], f"{bad}:1: steps: must be a list"),
        (["predict", str(tmp_path / "none.yaml")], "No such file or directory"),
        (["run", str(RECORDED), "--engine", "lxc"], "--engine: must be one of"),
    ):
        done = runner.invoke(lab, arguments)
        assert done.exit_code == 2
        assert said in done.output
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    done = runner.invoke(lab, ["run", str(RECORDED), "--engine", "docker"])
    assert done.exit_code == 2
    assert "engine docker needs the program dockerd" in done.output


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_good(path: Path) -> None:
    (scenario,) = load(str(path), path.read_text())
    assert all(
        result == "ok" or isinstance(result, dict) or result == "busy" for result in predict(scenario)["results"]
    )


def test_no_is_a_name_like_any_other() -> None:
    text = "containers: {no: {}, on: {}}\nsteps: [{start: no}, {add: {in: on, netns: yes}}]\n"
    (scenario,) = load("f.yaml", text)
    assert [step.where for step in scenario.steps] == ["no", "on"]
    assert scenario.steps[1].netns == "yes"


def test_every_key_that_is_there_twice_is_told() -> None:
    with pytest.raises(ScenarioError) as caught:
        load("f.yaml", "steps: []\nsteps: []\nname: a\nname: b\n")
    assert [problem.line for problem in caught.value.problems] == [2, 4]


@pytest.mark.parametrize(
    ("volume", "result"),
    [
        ("/run/netns:/run/netns:rslave", "ok"),
        ("/var/run/netns:/host/var/run/netns", "einval"),
        ("/run/netns:/host/run/netns:rslave", "ok"),
        ("/run:/host/run", "einval"),
        ("/run:/rootfs/run:rslave", "ok"),
        ("/etc:/etc2", "absent"),
    ],
)
def test_a_name_is_looked_for_where_the_container_mounts_the_directory(volume: str, result: str) -> None:
    steps = "[{add: {netns: old}}, {start: a}, {add: {netns: x}}, {probe: x}]"
    assert of(steps, f"['{volume}']")[-1] == {"a": result, "host": "ok"}


def test_any_path_is_probed_in_any_place() -> None:
    steps = (
        "[{start: a}, {pin: {path: /run/docker/netns/key}}, {probe: {path: /x/key}}, "
        "{probe: {in: host, path: /run/docker/netns/key}}, {probe: {in: a, netns: nothing}}]"
    )
    found = of(steps, "['/run/docker/netns:/x']")
    assert found[2:] == [{"a": "einval", "host": "absent"}, {"host": "ok"}, {"a": "absent"}]


def test_a_pinned_name_is_covered_by_a_plain_bind_of_the_directory() -> None:
    steps = (
        "[{pin: {path: /run/netns/p}}, {mount: {source: /run/netns, path: /run/netns}}, {probe: p}, "
        "{umount: {path: /run/netns, lazy: true}}, {probe: p}]"
    )
    assert [found for found in of(steps) if isinstance(found, dict)] == [{"host": "einval"}, {"host": "ok"}]


def test_an_engine_with_mounts_of_its_own() -> None:
    steps = "[{start: a}, {pin: {in: engine, path: /run/netns/p}}, {probe: p}, {probe: {in: engine, netns: p}}]"
    volumes = "['/run/netns:/run/netns:rslave']"
    assert of(steps, volumes, "{engine: slave+shared}")[2:] == [{"a": "ok", "host": "einval"}, {"engine": "ok"}]
    assert of(steps, volumes, "{engine: slave}")[2:] == [{"a": "einval", "host": "einval"}, {"engine": "ok"}]


def test_who_is_not_privileged_makes_and_enters_nothing() -> None:
    text = (
        "containers: {a: {volumes: ['/run/netns:/run/netns'], privileged: false}}\n"
        "steps: [{add: {netns: x}}, {start: a}, {probe: x}, {add: {in: a, netns: y}}, "
        "{umount: {in: a, path: /run/netns}}]\n"
    )
    (scenario,) = load("x.yaml", text)
    assert predict(scenario)["results"][2:] == [{"a": "eperm", "host": "ok"}, "error", "error"]
