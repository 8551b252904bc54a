"""`netmend check`: is an intent file good?"""

import click

from netmend.cli.messages import BAD_INPUT, refuse_on, say, say_json
from netmend.cli.options import Config, Json
from netmend.intent import Intent
from netmend.sources.file import IntentError, load

_ALWAYS = ("networks", "subnets", "ports")  # what is counted also where there is none


def check(
    config: Config,
    as_json: Json = False,
) -> None:
    """Validate an intent file, and change nothing.

    All mistakes are printed, up to 50, each with file, line and field.

    Exit codes: 0 the file is good; 2 it is not.
    """
    try:
        intent = load(config)
    except IntentError as error:
        if not as_json:
            with refuse_on(IntentError):
                raise
        say_json(_report(Intent(), error))
        raise click.exceptions.Exit(BAD_INPUT) from None
    if as_json:
        say_json(_report(intent))
    else:
        shown = {what.replace("_", " "): count for what, count in _counts(intent).items() if count or what in _ALWAYS}
        say(", ".join(f"{count} {what if count != 1 else what[:-1]}" for what, count in shown.items()))


def _counts(intent: Intent) -> dict[str, int]:
    networks = intent.networks.values()
    return {
        "networks": len(networks),
        "subnets": sum(len(network.subnets) + len(network.subnets6) for network in networks),
        "ports": sum(len(network.ports) for network in networks),
        "security_groups": len(intent.security_groups),
        "address_groups": len(intent.address_groups),
    }


def _report(intent: Intent, error: IntentError | None = None) -> dict[str, object]:
    """The object of `--json`; its counts are 0 when the file is not good."""
    problems = [
        {"file": problem.file, "line": problem.line, "field": problem.field, "why": problem.why}
        for problem in (error.problems if error else ())
    ]
    return {"ok": error is None, "problems": problems, **_counts(intent)}
