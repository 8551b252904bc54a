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
from netmend.cli.roles import DHCP_FILE, METADATA_AGENT, ROLES
from netmend.cli.serving import routes_of
from netmend.node.intake.neutron import leave, metadata_agent, neutron_source
from netmend.node.intake.ovn import is_of_ovn, ovn_source
from netmend.node.intake.source import Source
from netmend.node.lock import CannotStart
from netmend.node.log_sockets import journal_output, syslog_output
from netmend.node.log_writer import file_output, log_to, stderr_output
from netmend.node.node import Node
from netmend.node.privileges import GivenUp
from netmend.node.settings import Settings
from netmend.sources.neutron.log_options import LogOptions, log_options
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
    name), it logs where these files say: log_file, log_dir, use_json, use_journal, use_syslog, debug; its state is in
    the directory of metadata_proxy_socket. Called as neutron-metadata-agent, it is that agent alone, unless
    dhcp_agent.ini is among the files. Called as netmend, it logs to standard error unless an option says else.

    Exit codes: 0 ended as asked; 2 the files or the host cannot be used.
    """
    program = Path(sys.argv[0]).name
    files = [*(config_file or ()), *(file for directory in config_dir or () for file in _files_in(directory))]
    if not files:
        refuse("give Neutron's files with --config-file FILE, or --config-dir DIRECTORY")
    said = _said(files, program)
    if state_dir == STATE_DIRECTORY and said.kept is not None:
        state_dir = said.kept / "netmend"
    settings = Settings(netns_dir, state_dir, runtime_dir)
    if program == METADATA_AGENT and not any(file.name == DHCP_FILE for file in files):
        if listen is not None:
            refuse("--listen: neutron-metadata-agent alone has no page; netmend status and netmend health ask it")
        given_up = GivenUp(settings, files, take_over=True, needed={})
        _log(said, program, log_file, log_dir, debug=debug)
        given_up.report()
        with refuse_on(SourceError, CannotStart):
            asyncio.run(metadata_agent(files, settings).run())
        leave()
    given_up = GivenUp(settings, files, take_over=True)
    _log(said, program, log_file, log_dir, debug=debug)
    given_up.report()
    with refuse_on(SourceError, CannotStart):
        source: Source
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


def _said(files: Sequence[Path], program: str) -> LogOptions:
    """What the files say of the log; called as netmend, of its form alone. Raises click.exceptions.Exit."""
    with refuse_on(SourceError):
        try:
            said = log_options(files)
        except ModuleNotFoundError:  # without the extra `neutron`, which is said when the source is made
            return LogOptions()
    return said if program in ROLES else LogOptions(use_json=said.use_json)


def _log(said: LogOptions, program: str, log_file: Path | None, log_dir: Path | None, *, debug: bool) -> None:
    """Begin to log, where options say, or else files, for the agent that we are called after.

    Raises click.exceptions.Exit.
    """
    options = replace(
        said,
        log_file=str(log_file) if log_file else said.log_file,
        log_dir=str(log_dir) if log_dir else said.log_dir,
        debug=debug or said.debug,
    )
    name = program if program in ROLES else "netmend"
    path = options.path(name)
    outputs = []
    try:
        if path is not None:
            outputs.append(file_output(path, as_json=options.use_json))
        if options.use_journal:
            outputs.append(journal_output(name))
        if options.use_syslog:
            outputs.append(syslog_output(name, options.facility))
    except ValueError as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"{path}: the log file cannot be opened: {error.strerror}")
    log_to(*outputs or [stderr_output(as_oslo=program in ROLES and not options.use_json)], debug=options.debug)
