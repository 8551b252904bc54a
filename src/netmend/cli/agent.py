"""`netmend agent`: the node in the place of Neutron's DHCP and metadata agents, in the foreground."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from netmend.cli.command import Option
from netmend.cli.messages import refuse, refuse_on
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
from netmend.cli.roles import ROLES
from netmend.cli.serving import routes_of
from netmend.node.intake.neutron import leave, neutron_source
from netmend.node.intake.ovn import is_of_ovn, ovn_source
from netmend.node.intake.source import Source
from netmend.node.lock import CannotStart
from netmend.node.log_writer import log_to_file, log_to_stderr
from netmend.node.node import Node
from netmend.node.privileges import GivenUp
from netmend.node.settings import Settings
from netmend.sources.problem import SourceError

ConfigFiles = Annotated[
    list[Path] | None,
    Option("--config-file", metavar="FILE", help="A file of Neutron's, once or more; later ones win."),
]
ConfigDirectories = Annotated[
    list[Path] | None,
    Option("--config-dir", metavar="DIRECTORY", help="Its *.conf files are read after all of --config-file."),
]
LogFile = Annotated[
    Path | None,
    Option(metavar="FILE", help="Log into this file, as oslo.log does; it is opened anew when it is rotated."),
]
LogDirectory = Annotated[Path | None, Option(metavar="DIRECTORY", help="The directory of the log file.")]
Debug = Annotated[bool, Option("--debug", help="Log what libraries say too.")]


def agent(
    *,
    config_file: ConfigFiles = None,
    config_dir: ConfigDirectories = None,
    log_file: LogFile = None,
    log_dir: LogDirectory = None,
    debug: Debug = False,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    state_dir: StateDirectory = STATE_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    listen: ListenAt = None,
    http_name: HttpNames = None,
) -> None:
    """Serve the networks of a Neutron server, in place of its agents.

    It runs until SIGTERM or Ctrl-C; what was made stays. It reads Neutron's own files, as neutron-dhcp-agent and
    neutron-metadata-agent do: neutron.conf, dhcp_agent.ini, metadata_agent.ini. SIGHUP asks the server for everything
    again. With neutron_ovn_metadata_agent.ini or ovn_agent.ini it serves metadata in the place of OVN's agents, from
    the southbound database.

    Called as neutron-dhcp-agent, neutron-ovn-metadata-agent or neutron-ovn-agent (a link or a copy of netmend by that
    name), it logs where these files say: log_file, log_dir, use_json, debug. Called as netmend, it logs to standard
    error unless an option says else.

    Exit codes: 0 ended as asked; 2 the files or the host cannot be used.
    """
    settings = Settings(netns_dir, state_dir, runtime_dir)
    files = [*(config_file or ()), *(file for directory in config_dir or () for file in _files_in(directory))]
    if not files:
        refuse("give Neutron's files with --config-file FILE, or --config-dir DIRECTORY")
    given_up = GivenUp(settings, files, take_over=True)
    _log(files, log_file, log_dir, debug=debug)
    given_up.report()
    with refuse_on(SourceError, CannotStart):
        source: Source
        program = Path(sys.argv[0]).name
        if is_of_ovn(program, files):
            source, settings = ovn_source(files, settings, program)
        else:
            source, settings = neutron_source(files, settings)
        asyncio.run(Node(source, settings, where_to_listen(listen, http_name), routes_of).run())
    leave()


def _files_in(directory: Path) -> list[Path]:
    """The files of a directory that oslo.config reads, in its order. Raises click.exceptions.Exit."""
    if not directory.is_dir():
        refuse(f"--config-dir {directory}: there is no such directory")
    return sorted(directory.glob("*.conf"))


def _log(files: Sequence[Path], log_file: Path | None, log_dir: Path | None, *, debug: bool) -> None:
    """Begin to log, where options say, or else files, for the agent that we are called after.

    Raises click.exceptions.Exit.
    """
    program = Path(sys.argv[0]).name
    if not (program in ROLES or log_file or log_dir):
        log_to_stderr(debug=debug)
        return
    try:
        from netmend.sources.neutron.log_options import LogOptions, log_options
    except ModuleNotFoundError:  # without the extra `neutron`, which is said when the source is made
        log_to_stderr(debug=debug)
        return
    with refuse_on(SourceError):
        said = log_options(files)
    of_files = said if program in ROLES else LogOptions(use_json=said.use_json)
    options = replace(
        of_files,
        log_file=str(log_file) if log_file else of_files.log_file,
        log_dir=str(log_dir) if log_dir else of_files.log_dir,
        debug=debug or of_files.debug,
    )
    path = options.path(program if program in ROLES else "netmend")
    if path is None:
        log_to_stderr(debug=options.debug)
        return
    try:
        log_to_file(path, as_json=options.use_json, debug=options.debug)
    except OSError as error:
        refuse(f"{path}: the log file cannot be opened: {error.strerror}")
