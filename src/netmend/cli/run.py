"""`netmend run`: the node, in the foreground."""

import asyncio
from typing import Annotated

import typer

from netmend.cli.http_parts import parts_of
from netmend.cli.logs import log_to_stderr
from netmend.cli.options import (
    NETNS_DIRECTORY,
    RUNTIME_DIRECTORY,
    STATE_DIRECTORY,
    Config,
    NetnsDirectory,
    RuntimeDirectory,
    StateDirectory,
    sentences,
)
from netmend.node.file_source import FileSource
from netmend.node.listen import Listen
from netmend.node.lock import CannotStart
from netmend.node.node import Node
from netmend.node.settings import Settings
from netmend.services.lease_store import LeaseStoreError
from netmend.sources.problem import SourceError


def run(
    *,
    config: Config,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    state_dir: StateDirectory = STATE_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            envvar="NETMEND_LISTEN",
            metavar="ADDRESS:PORT",
            help="Where the page and /metrics are served, such as 127.0.0.1:9696; without it, nowhere.",
        ),
    ] = None,
    http_name: Annotated[
        list[str] | None,
        typer.Option("--http-name", metavar="NAME", help="A further host name that browsers and scrapers call it by."),
    ] = None,
) -> None:
    """Make the networks of FILE exist and serve their guests until SIGTERM or Ctrl-C; what was made stays.

    The file is read again when it changes and on SIGHUP, and only the difference is applied.
    """
    log_to_stderr()
    with sentences(SourceError, CannotStart, LeaseStoreError):
        settings = Settings(netns_dir, state_dir, runtime_dir)
        asyncio.run(Node(FileSource(config), settings, _where(listen, http_name or []), parts_of).run())


def _where(text: str | None, names: list[str]) -> Listen | None:
    if text is None:
        return None
    try:
        return Listen.parse(text, names)
    except ValueError as error:
        raise CannotStart(f"--listen {error}") from None
