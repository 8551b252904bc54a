"""`netmend agent`: the node in the place of Neutron's DHCP and metadata agents, in the foreground."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from netmend.cli.messages import refuse_on
from netmend.cli.options import (
    NETNS_DIRECTORY,
    RUNTIME_DIRECTORY,
    STATE_DIRECTORY,
    HttpNames,
    ListenAt,
    NetnsDirectory,
    RuntimeDirectory,
    StateDirectory,
    where_to_listen,
)
from netmend.cli.serving import routes_of
from netmend.node.intake.neutron import leave, neutron_source
from netmend.node.lock import CannotStart
from netmend.node.log_writer import log_to_stderr
from netmend.node.node import Node
from netmend.node.privileges import GivenUp
from netmend.node.settings import Settings
from netmend.sources.problem import SourceError

ConfigFiles = Annotated[
    list[Path],
    typer.Option("--config-file", metavar="FILE", help="A file of Neutron's, once or more; later ones win."),
]


def agent(
    *,
    config_file: ConfigFiles,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    state_dir: StateDirectory = STATE_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    listen: ListenAt = None,
    http_name: HttpNames = None,
) -> None:
    """Serve the networks of a Neutron server, in place of its agents.

    It runs until SIGTERM or Ctrl-C; what was made stays. It reads Neutron's own files, as neutron-dhcp-agent and
    neutron-metadata-agent do: neutron.conf, dhcp_agent.ini, metadata_agent.ini. SIGHUP asks the server for everything
    again.

    Exit codes: 0 ended as asked; 2 the files or the host cannot be used.
    """
    settings = Settings(netns_dir, state_dir, runtime_dir)
    given_up = GivenUp(settings, config_file, take_over=True)
    log_to_stderr()
    given_up.report()
    with refuse_on(SourceError, CannotStart):
        source, settings = neutron_source(config_file, settings)
        asyncio.run(Node(source, settings, where_to_listen(listen, http_name), routes_of).run())
    leave()
