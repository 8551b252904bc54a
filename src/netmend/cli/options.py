"""Options that several verbs share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import click

from netmend.cli.command import Option
from netmend.ground.listen import Listen
from netmend.kernel import nsdir
from netmend.kernel.errors import KernelError
from netmend.node.settings import Settings

Config = Annotated[Path, Option("--config", "-c", metavar="FILE", help="The intent file (YAML or JSON).")]
NetnsDirectory = Annotated[
    str, Option("--netns-dir", envvar="NETMEND_NETNS_DIR", help="Where names of namespaces live.")
]
StateDirectory = Annotated[
    Path,
    Option("--state-dir", envvar="NETMEND_STATE_DIR", help="Where leases are kept over restarts."),
]
RuntimeDirectory = Annotated[
    Path,
    Option("--runtime-dir", envvar="NETMEND_RUNTIME_DIR", help="Where the status socket and the lock are."),
]


def _remote(text: str | None) -> str | None:
    """The remote of a database, checked. Raises click.BadParameter where netmend cannot connect to its kind."""
    if text is None:
        return None
    from netmend.kernel.ovsdb.stream import check_remote  # most calls name none

    try:
        return check_remote(text)
    except KernelError as error:
        raise click.BadParameter(str(error.detail)) from None


Ovsdb = Annotated[
    str | None,
    Option(
        "--ovsdb",
        envvar="NETMEND_OVSDB",
        metavar="REMOTE",
        callback=_remote,
        help="Where Open vSwitch's database listens: unix:PATH or tcp:ADDRESS:PORT; "
        "default: unix:/run/openvswitch/db.sock.",
    ),
]
ListenAt = Annotated[
    str | None,
    Option(
        "--listen",
        envvar="NETMEND_LISTEN",
        metavar="ADDRESS:PORT",
        help="Where the page and /metrics are served, such as 127.0.0.1:9696; without it, nowhere.",
    ),
]
HttpNames = Annotated[
    list[str] | None,
    Option("--http-name", metavar="NAME", help="A further host name that browsers and scrapers call it by."),
]
Json = Annotated[bool, Option("--json", help="Print JSON instead of text.")]

NETNS_DIRECTORY = nsdir.DEFAULT
STATE_DIRECTORY = Settings().state
RUNTIME_DIRECTORY = Settings().runtime


def where_to_listen(text: str | None, names: Iterable[str] | None) -> Listen | None:
    """The address and port of --listen, and the host `names` that requests may use. Raises CannotStart."""
    if text is None:
        return None
    try:
        return Listen.parse(text, [name.lower() for name in names or ()])
    except ValueError as error:
        from netmend.node.lock import CannotStart  # with the node's logging, which most verbs do without

        raise CannotStart(f"--listen {error}") from None
