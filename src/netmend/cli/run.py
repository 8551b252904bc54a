"""`netmend run`: the node, in the foreground."""

import asyncio

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
from netmend.node.lock import CannotStart
from netmend.node.node import Node
from netmend.node.settings import Settings
from netmend.services.lease_store import LeaseStoreError
from netmend.sources.problem import SourceError


def run(
    config: Config,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    state_dir: StateDirectory = STATE_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
) -> None:
    """Make the networks of FILE exist and serve their guests until SIGTERM or Ctrl-C; what was made stays.

    The file is read again when it changes and on SIGHUP, and only the difference is applied.
    """
    log_to_stderr()
    with sentences(SourceError, CannotStart, LeaseStoreError):
        asyncio.run(Node(FileSource(config), Settings(netns_dir, state_dir, runtime_dir)).run())
