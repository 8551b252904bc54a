"""The incident's options, words and picture, without a kernel."""

import shlex

import pytest

from netmend.lab.incident.curve import HEIGHT, WIDTH, Curve, Line, Series, draw, svg
from netmend.lab.incident.sentences import command_of
from netmend.lab.incident.setup import CannotPlay, Restart, scenario_of, setup_from
from netmend.lab.scenario.report import step_in_words
from netmend.lab.search.search import setups


@pytest.mark.parametrize(
    ("propagation", "restarts", "options", "said"),
    [
        ("a", None, {}, "--propagation: 'a' is not NAME=WORD"),
        ("a=sharde", None, {}, "--propagation: a: must be one of none, private"),
        ("host=private", None, {}, "--propagation: a container cannot be called host"),
        ("a=private,a=shared", None, {}, "'a' can be named once"),
        ("a=private", ["b@1"], {}, "--restart: 'b@1': 'b' is none of the containers a"),
        ("a=private", ["a@0"], {}, "--restart: 'a@0' is not NAME@ROUND with a round from 1"),
        ("a=private", ["a"], {}, "--restart: 'a' is not NAME@ROUND"),
        ("a=private", None, {"made_by": "c"}, "--made-by: c is neither host nor one of the containers a"),
        ("a=private", None, {"used_by": "host"}, "--used-by: host is none of the containers a"),
        ("a=private", None, {"before": "dead"}, "--before: must be one of none, file, namespace, not 'dead'"),
        ("a=private", None, {"engine": "lxc"}, "--engine: must be one of kernel, docker, not 'lxc'"),
    ],
)
def test_a_bad_option_is_named(
    propagation: str, restarts: list[str] | None, options: dict[str, str], said: str
) -> None:
    with pytest.raises(CannotPlay) as caught:
        setup_from([propagation], restarts, **options)
    assert said in str(caught.value)


def test_one_container_is_restarted_unless_told_otherwise() -> None:
    assert setup_from(["a=private"], None).restarts == (Restart("a", 1),)
    assert setup_from(["a=private"], []).restarts == ()
    assert setup_from(["a=private"], None, before="file").restarts == ()
    assert setup_from(["a=private,b=shared"], None).restarts == ()
    assert setup_from(["a=private"], ["a@7", "a@3"]).restarts == (Restart("a", 3), Restart("a", 7))


@pytest.mark.parametrize("setup", setups()[::37], ids=lambda setup: command_of(setup)[24:])
def test_the_command_of_a_set_up_gives_that_set_up(setup: object) -> None:
    assert command_of(_parsed(command_of(setup))) == command_of(setup)  # type: ignore[arg-type]


def _parsed(command: str):  # type: ignore[no-untyped-def]
    words = shlex.split(command)
    found = {word: words[place + 1] for place, word in enumerate(words[:-1]) if word.startswith("--")}
    restarts = [words[place + 1] for place, word in enumerate(words) if word == "--restart"]
    return setup_from(
        [found["--propagation"]],
        restarts or ([] if "--no-restart" in words else None),
        made_by=found["--made-by"],
        used_by=found["--used-by"],
        before=found.get("--before", "none"),
        run=found.get("--run", "shared"),
    )


def test_a_set_up_as_a_scenario() -> None:
    setup = setup_from(["a=private,b=none"], ["b@1", "a@2"], before="file")
    scenario = scenario_of(setup, "s", "x")
    assert [step_in_words(step) for step in scenario.steps] == [
        "host: ip netns add x",
        "host: umount /run/netns/x",
        "start a",
        "start b",
        "a: ip netns add x",
        "b: ip netns add x",
        "restart b",
        "restart a",
        "probe x",
    ]
    assert scenario.containers["a"].volumes == ("/run/netns:/run/netns:private",)
    assert scenario.containers["b"].volumes == ()


@pytest.mark.parametrize("most", [0, 1, 2, 42, 999, 10_000, 123_456])
def test_a_curve_stays_inside_its_picture(most: int) -> None:
    curve = _curve(most)
    shapes = draw(curve)
    for shape in shapes:
        points = shape.points if isinstance(shape, Line) else ((shape.x, shape.y),)
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    lines = [shape for shape in shapes if isinstance(shape, Line) and shape.role == "old"]
    assert lines[0].points[-1][1] == min(y for line in lines for _, y in line.points)  # it ends at its highest


def test_a_curve_as_svg_has_no_colours_of_its_own_and_escapes() -> None:
    drawn = svg(_curve(42))
    assert "&lt;b&gt;" in drawn
    assert "<b>" not in drawn
    assert "#" not in drawn
    assert "var(--old)" in drawn


def _curve(most: int) -> Curve:
    steps = [(0.0, 0), (1.0, most // 2), (2.0, most)]
    series = (Series("old <b>", "old", steps), Series("new", "new", [(0.0, 0), (0.5, min(2, most))]))
    return Curve("title <b>", "subtitle", series, 2, ((0.7, "restarted"),), 3.0)
