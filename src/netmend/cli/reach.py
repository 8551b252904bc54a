"""`netmend reach`: can one guest reach another, and which rule says so?"""

from pathlib import Path
from typing import Annotated, Any

import click

from netmend.cli.command import Argument, Option
from netmend.cli.messages import refuse_on, say, say_json
from netmend.cli.options import RUNTIME_DIRECTORY, Json, RuntimeDirectory
from netmend.ground.printable import printable_line
from netmend.node.http.status_client import NoNode, ask_reach
from netmend.node.settings import Settings


def reach(
    start: Annotated[str, Argument(metavar="FROM", help="A port's name, id or address; or `world`.")],
    end: Annotated[str, Argument(metavar="TO", help="The same, or any address.")],
    *,
    protocol: Annotated[str, Option("--protocol", help="tcp, udp, icmp, or a number.")] = "tcp",
    port: Annotated[int | None, Option("--port", help="The destination port; default: 80.")] = None,
    config: Annotated[
        Path | None, Option("--config", "-c", metavar="FILE", help="Ask this intent file instead of the node.")
    ] = None,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    as_json: Json = False,
) -> None:
    """Say whether one guest can reach another, and which rule says so.

    The answer is that of the intent in force, or of a file: the way over networks and routers, what routers translate,
    and the security groups at both ends; nothing is sent. `world` is what lies beyond routers' uplinks.

    Exit codes: 0 it can; 1 it cannot, and why is shown; 2 no node answers, or the question has no answer.
    """
    query = {"from": start, "to": end, "protocol": protocol} | ({"port": str(port)} if port is not None else {})
    with refuse_on(NoNode):
        found = _ask_file(config, query) if config else ask_reach(Settings(runtime=runtime_dir).socket, query)
    if as_json:
        say_json(found, indent=2)
    else:
        for line in _lines(found):
            say(printable_line(line))
    raise click.exceptions.Exit(0 if found["reaches"] else 1)


def _ask_file(path: Path, query: dict[str, str]) -> dict[str, Any]:
    from netmend.node.views.reach import reach as reach_by_intent
    from netmend.node.views.reach_question import read_question
    from netmend.sources.file import IntentError, load

    with refuse_on(IntentError, ValueError):
        intent = load(path)
        return reach_by_intent(intent, read_question(intent, query))


def _lines(found: dict[str, Any]) -> list[str]:
    stops = [f"  {_place(stop)}: {stop['text']}" for stop in found["stops"]]
    verdicts = [
        f"  {one['direction']} at {one['name']}: {'passes' if one['passes'] else 'is dropped'}: {one['says']}"
        + (f" (security group {one['group']})" if one["group"] else "")
        for one in found["verdicts"]
    ]
    return [found["sentence"], *stops, *verdicts]


def _place(stop: dict[str, Any]) -> str:
    return f"{stop['kind']} {stop['name']}" if stop["id"] else str(stop["name"])
