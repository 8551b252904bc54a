"""`netmend plan`: what would change."""

import click

from netmend.cli.messages import refuse_on, say, say_json
from netmend.cli.options import NETNS_DIRECTORY, Config, Json, NetnsDirectory, Ovsdb
from netmend.ground.printable import printable_line
from netmend.intent import Intent
from netmend.reconcile.breaker import HostFault
from netmend.reconcile.reconciler import Reconciler
from netmend.reconcile.steps import Plan, target
from netmend.sources.file import IntentError, load


def plan(
    config: Config, netns_dir: NetnsDirectory = NETNS_DIRECTORY, ovsdb: Ovsdb = None, as_json: Json = False
) -> None:
    """Show what `netmend run -c FILE` would change, and do nothing.

    Exit codes: 0 nothing to do; 3 something to do; 2 the file or the host cannot be read.
    """
    with refuse_on(IntentError, HostFault):
        intent = load(config)
        plans = Reconciler(netns_dir, ovsdb=ovsdb).plan(intent)
    if as_json:
        say_json(_document(plans, intent), indent=2)
    else:
        for line in _lines(plans, intent):
            say(printable_line(line))
    raise click.exceptions.Exit(3 if any(found.steps for found in plans) else 0)


def _document(plans: list[Plan], intent: Intent) -> dict[str, object]:
    return {
        "steps": sum(len(found.steps) for found in plans),
        "networks": [
            {
                "id": found.network_id,
                "name": intent.name_of(found.network_id),
                "steps": [
                    {"step": type(step).__name__, "target": target(step), "text": str(step)} for step in found.steps
                ],
                "blocked": [{"port": problem.port_id, "why": problem.text} for problem in found.blocked],
            }
            for found in plans
        ],
    }


def _lines(plans: list[Plan], intent: Intent) -> list[str]:
    lines = []
    for found in plans:
        name = intent.name_of(found.network_id)
        kind = "router" if found.network_id in intent.routers else "network"
        lines.append(f"{kind} {name} ({found.network_id})" if name else f"not in intent: {found.network_id or 'stray'}")
        lines += [f"  {step}" for step in found.steps]
        lines += [f"  blocked: {problem.text}" for problem in found.blocked]
    count = sum(len(found.steps) for found in plans)
    return [*lines, f"{count} step{'' if count == 1 else 's'} to take" if count else "nothing to do"]
