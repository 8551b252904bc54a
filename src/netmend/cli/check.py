"""`netmend check`: is an intent file good?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from netmend.intent import Intent
from netmend.sources.file import IntentError, load


def check(
    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The intent file (YAML or JSON).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Validate an intent file and change nothing. Exit code 0: it is good; 2: it is not, and here is every reason."""
    try:
        intent = load(config)
    except IntentError as error:
        if as_json:
            typer.echo(json.dumps(_report(Intent(), error)))
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(_report(intent)))
    else:
        counts = _counts(intent)
        typer.echo(", ".join(f"{count} {what if count != 1 else what[:-1]}" for what, count in counts.items()))


def _counts(intent: Intent) -> dict[str, int]:
    networks = intent.networks.values()
    return {
        "networks": len(networks),
        "subnets": sum(len(network.subnets) + len(network.subnets6) for network in networks),
        "ports": sum(len(network.ports) for network in networks),
    }


def _report(intent: Intent, error: IntentError | None = None) -> dict[str, object]:
    """The object of `--json`; its counts are 0 when the file is not good."""
    problems = [
        {"file": problem.file, "line": problem.line, "field": problem.field, "why": problem.why}
        for problem in (error.problems if error else ())
    ]
    return {"ok": error is None, "problems": problems, **_counts(intent)}
