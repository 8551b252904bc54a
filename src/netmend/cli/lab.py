"""`netmend lab`: scenarios of hosts and containers, predicted and performed."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import click

from netmend.cli.command import Argument, Option, command
from netmend.cli.lab_incident import incident
from netmend.cli.lab_search import search
from netmend.cli.messages import name_command, refuse, say, say_json
from netmend.lab.engines.choose import run as perform
from netmend.lab.engines.world import EngineMissing
from netmend.lab.scenario.report import differences, report, result_in_words
from netmend.lab.scenario.run import Results
from netmend.lab.scenario.run import predict as predicted
from netmend.lab.scenario.scenario import ENGINES, Scenario, load
from netmend.lab.scenario.text import ScenarioError


@click.group("lab", no_args_is_help=True)
@click.pass_context
def lab(context: click.Context) -> None:
    """Reproduce mount propagation between a host and its containers."""
    name_command(f"netmend lab {context.invoked_subcommand}")


File = Annotated[
    str,
    Argument(metavar="FILE", help="A scenario (YAML), or one a line (.jsonl); - reads YAML."),
]
Json = Annotated[bool, Option("--json", help='Print {"name", "results"}, one line a scenario.')]
Engine = Annotated[
    str | None,
    Option("--engine", metavar="NAME", help="kernel, docker or podman, instead of the one in the scenario."),
]


def _verb(function: Callable[..., None]) -> Callable[..., None]:
    """Add a verb of its function's name; `netmend lab --help` shows the first paragraph of its docstring, whole."""
    made = command(function)
    made.short_help = " ".join(str(function.__doc__).split("\n\n")[0].split())
    lab.add_command(made)
    return function


_verb(incident)
_verb(search)


@_verb
def predict(file: File, as_json: Json = False) -> None:
    """Say what each step will give, from the model of the kernel; nothing is run.

    Exit codes: 0 predicted; 2 the file cannot be used.
    """
    for scenario in _scenarios(file):
        results = predicted(scenario)
        if as_json:
            say_json(results)
        else:
            say("\n".join(report(scenario, results)))


@_verb
def run(file: File, as_json: Json = False, engine: Engine = None) -> None:
    """Perform each step for real, in namespaces of their own: on the kernel, or on a real engine.

    Exit codes: 0 performed; 2 the file cannot be used, or the scenario cannot be run here.
    """
    scenarios = _scenarios(file)
    for scenario, results in zip(scenarios, _perform(scenarios, engine), strict=True):
        if as_json:
            say_json(results)
        else:
            say("\n".join(report(scenario, results)))


@_verb
def compare(file: File, as_json: Json = False, engine: Engine = None) -> None:
    """Predict and perform each step, and show where the two differ.

    Exit codes: 0 nowhere; 1 somewhere; 2 the file cannot be used, or the scenario cannot be run here.
    """
    scenarios = _scenarios(file)
    differ = False
    for scenario, seen in zip(scenarios, _perform(scenarios, engine), strict=True):
        found = differences(scenario, predicted(scenario), seen)
        differ = differ or bool(found)
        if as_json:
            say_json({"name": scenario.name, "differences": found})
            continue
        say(f"{scenario.name}: {len(found) or 'no'} difference{'' if len(found) == 1 else 's'}")
        for item in found:
            say(f"  {item['step']:3}  {item['what']}")
            say(f"       predicted  {result_in_words(cast(str, item['predicted']))}")
            say(f"       seen       {result_in_words(cast(str, item['seen']))}")
    if differ:
        raise click.exceptions.Exit(1)


def _perform(scenarios: list[Scenario], engine: str | None) -> list[Results]:
    if engine is not None and engine not in ENGINES:
        refuse(f"--engine: must be one of {', '.join(ENGINES)}, not {engine!r}")
    try:
        return perform(scenarios, engine)
    except EngineMissing as missing:
        refuse(str(missing))


def _scenarios(file: str) -> list[Scenario]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return load(file, text)
    except OSError as error:
        refuse(f"{file}: {error.strerror}")
    except UnicodeDecodeError as error:
        refuse(f"{file}: not UTF-8 text at byte {error.start}")
    except ScenarioError as error:
        refuse(str(error))
