"""`netmend lab`: scenarios of hosts and containers, predicted and performed."""

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer

from netmend.cli.lab_incident import incident
from netmend.cli.lab_search import search
from netmend.lab.engines.choose import run as perform
from netmend.lab.engines.world import EngineMissing
from netmend.lab.scenario.report import differences, report, result_in_words
from netmend.lab.scenario.run import Results
from netmend.lab.scenario.run import predict as predicted
from netmend.lab.scenario.scenario import ENGINES, Scenario, load
from netmend.lab.scenario.text import ScenarioError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

File = Annotated[str, typer.Argument(metavar="FILE", help="a scenario (YAML), or one a line (.jsonl); - reads YAML")]
Json = Annotated[bool, typer.Option("--json", help='print {"name", "results"}, one line a scenario')]
Engine = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME", help="kernel, docker or podman, whatever the scenario names"),
]


app.command("incident")(incident)
app.command("search")(search)


@app.callback()
def _root() -> None:
    """Reproduce mount propagation between a host and its containers."""


@app.command("predict")
def predict(file: File, as_json: Json = False) -> None:
    """Say what each step will give, from the model of the kernel; nothing is run."""
    for scenario in _scenarios(file):
        results = predicted(scenario)
        print(json.dumps(results) if as_json else "\n".join(report(scenario, results)))


@app.command("run")
def run(file: File, as_json: Json = False, engine: Engine = None) -> None:
    """Perform each step for real, in namespaces of their own: on the kernel, or on a real engine."""
    scenarios = _scenarios(file)
    for scenario, results in zip(scenarios, _perform(scenarios, engine), strict=True):
        print(json.dumps(results) if as_json else "\n".join(report(scenario, results)))


@app.command("compare")
def compare(file: File, as_json: Json = False, engine: Engine = None) -> None:
    """Do both, and show where they differ. Exit 0: nowhere, 1: somewhere, 2: could not be run."""
    scenarios = _scenarios(file)
    differ = False
    for scenario, seen in zip(scenarios, _perform(scenarios, engine), strict=True):
        found = differences(scenario, predicted(scenario), seen)
        differ = differ or bool(found)
        if as_json:
            print(json.dumps({"name": scenario.name, "differences": found}))
            continue
        print(f"{scenario.name}: {len(found) or 'no'} difference{'' if len(found) == 1 else 's'}")
        for item in found:
            print(f"  {item['step']:3}  {item['what']}")
            print(f"       predicted  {result_in_words(cast(str, item['predicted']))}")
            print(f"       seen       {result_in_words(cast(str, item['seen']))}")
    if differ:
        sys.exit(1)


def _perform(scenarios: list[Scenario], engine: str | None) -> list[Results]:
    if engine is not None and engine not in ENGINES:
        _refuse(f"--engine: must be one of {', '.join(ENGINES)}, not {engine!r}")
    try:
        return perform(scenarios, engine)
    except EngineMissing as missing:
        _refuse(str(missing))


def _scenarios(file: str) -> list[Scenario]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return load(file, text)
    except OSError as error:
        _refuse(f"{file}: {error.strerror}")
    except UnicodeDecodeError as error:
        _refuse(f"{file}: not UTF-8 text at byte {error.start}")
    except ScenarioError as error:
        _refuse(str(error))


def _refuse(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    app()
