"""`netmend retry`: have the running node look again now."""

from typing import Annotated

from netmend.cli.command import Argument
from netmend.cli.messages import refuse_on, say, say_json
from netmend.cli.options import RUNTIME_DIRECTORY, Json, RuntimeDirectory
from netmend.node.http.status_client import NoNode, try_again
from netmend.node.settings import Settings


def retry(
    network: Annotated[str | None, Argument(metavar="[NETWORK]", help="A network's name or id; default: all.")] = None,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    as_json: Json = False,
) -> None:
    """Have the running node try again now what it waits to try.

    It looks at the network, or at all, whatever the back-off says, and probes the host where that has a fault; what
    comes of it is in `netmend status`.

    Exit codes: 0 it looks; 2 no node answers, or it has no such network.
    """
    with refuse_on(NoNode):
        found = try_again(Settings(runtime=runtime_dir).socket, network)
    if as_json:
        say_json(found, indent=2)
    else:
        say("the node looks again now")
