"""`netmend agent`: the node in the place of Neutron's DHCP and metadata agents, in the foreground."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from netmend.cli.logs import log_to_stderr
from netmend.cli.options import (
    NETNS_DIRECTORY,
    RUNTIME_DIRECTORY,
    STATE_DIRECTORY,
    NetnsDirectory,
    RuntimeDirectory,
    StateDirectory,
    sentences,
)
from netmend.kernel.ovsdb.stream import Tls
from netmend.node.lock import CannotStart
from netmend.node.node import Node
from netmend.node.settings import Settings
from netmend.services.lease_store import LeaseStoreError
from netmend.sources.problem import SourceError

ConfigFiles = Annotated[
    list[Path],
    typer.Option("--config-file", metavar="FILE", help="A file of Neutron's, once or more; later ones win."),
]


def agent(
    config_file: ConfigFiles,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    state_dir: StateDirectory = STATE_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
) -> None:
    """Serve the networks that a Neutron server gives to this host, until SIGTERM or Ctrl-C; what was made stays.

    Reads Neutron's own files, as neutron-dhcp-agent and neutron-metadata-agent do: neutron.conf, dhcp_agent.ini,
    metadata_agent.ini. SIGHUP asks the server for everything again.
    """
    log_to_stderr()
    settings = Settings(netns_dir, state_dir, runtime_dir)
    with sentences(SourceError, CannotStart, LeaseStoreError):
        serve_neutron(config_file, settings)


def serve_neutron(config_files: list[Path], settings: Settings) -> None:
    """Run a node whose intent comes from Neutron; raises SourceError and what `Node.run` raises."""
    try:
        from netmend.sources.neutron.configuration import configuration
    except ModuleNotFoundError as error:
        raise SourceError(f"{error}; install netmend with its extras: pip install 'netmend[neutron]'") from None
    from netmend.sources.neutron.source import NeutronSource

    found = configuration(config_files)
    ovs = found.ovs
    tls = None
    if ovs.private_key and ovs.certificate and ovs.ca_certificate:
        tls = Tls(ovs.private_key, ovs.certificate, ovs.ca_certificate)
    settings = replace(settings, ovsdb=ovs.connection, ovsdb_tls=tls, take_over=True)
    asyncio.run(Node(NeutronSource(found, settings.state), settings).run())
