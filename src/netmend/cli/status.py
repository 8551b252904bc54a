"""`netmend status`: what the running node says."""

from typing import Annotated

import click

from netmend.cli.command import Argument
from netmend.cli.messages import output, refuse_on, say_json, shown
from netmend.cli.options import RUNTIME_DIRECTORY, Json, RuntimeDirectory
from netmend.node.http.status_client import NoNode, ask
from netmend.node.settings import Settings


def status(
    network: Annotated[str | None, Argument(metavar="[NETWORK]", help="A network's name or id.")] = None,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    as_json: Json = False,
) -> None:
    """Show the networks of the running node, and what is wrong.

    It shows what is wrong with them, when it is tried again, and faults of the host.

    Exit codes: 0 all is served; 1 something is wrong, and shown; 2 no node answers, or it has no such network.
    """
    with refuse_on(NoNode):
        answer = ask(Settings(runtime=runtime_dir).socket, network)
    if as_json:
        say_json(answer, indent=2)
    else:
        from netmend.cli.status_text import show_network, show_node  # with rich, which --json does without

        (show_network if network else show_node)(output(), shown(answer))
    healthy = answer["state"] == "served" if network else answer["node"]["healthy"]
    raise click.exceptions.Exit(0 if healthy else 1)
