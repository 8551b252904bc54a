"""`netmend run`: the node, in the foreground."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from netmend.cli.command import Option
from netmend.cli.messages import refuse, refuse_on
from netmend.cli.options import (
    NETNS_DIRECTORY,
    RUNTIME_DIRECTORY,
    STATE_DIRECTORY,
    HttpNames,
    ListenAt,
    NetnsDirectory,
    Ovsdb,
    RuntimeDirectory,
    StateDirectory,
    where_to_listen,
)
from netmend.cli.serving import api_settings, beside_api, routes_of
from netmend.node.intake.neutron import leave, neutron_source
from netmend.node.intake.source import Source
from netmend.node.lock import CannotStart
from netmend.node.log_writer import log_to_stderr
from netmend.node.node import Node
from netmend.node.privileges import GivenUp
from netmend.node.settings import Settings
from netmend.sources.file.other_source import neutron_files
from netmend.sources.problem import SourceError

if TYPE_CHECKING:
    from netmend.node.http.server import AddRoutes
    from netmend.node.state import NodeState


def run(
    *,
    config: Annotated[
        Path | None, Option("--config", "-c", metavar="FILE", help="The intent file (YAML or JSON).")
    ] = None,
    store: Annotated[
        bool, Option("--store", help="Intent is what the store holds; its API is Neutron's v2.0.")
    ] = False,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    state_dir: StateDirectory = STATE_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    ovsdb: Ovsdb = None,
    api_listen: Annotated[
        str,
        Option(metavar="ADDRESS:PORT", help="Where the API of the store listens, or `socket`: on its socket alone."),
    ] = "127.0.0.1:9696",
    api_tokens: Annotated[
        Path | None,
        Option(metavar="FILE", help="Who may use the API; default: api-tokens in the state directory."),
    ] = None,
    api_no_tokens: Annotated[
        bool, Option("--api-no-tokens", help="Let everybody on this host use the API (loopback only).")
    ] = False,
    api_plain_http: Annotated[
        bool,
        Option("--api-plain-http", help="Let tokens travel unencrypted where the API listens beyond loopback."),
    ] = False,
    api_certificate: Annotated[
        Path | None, Option(metavar="PEM", help="TLS for the API: certificate, and key unless --api-key has it.")
    ] = None,
    api_key: Annotated[Path | None, Option(metavar="PEM", help="The certificate's key.")] = None,
    listen: ListenAt = None,
    http_name: HttpNames = None,
) -> None:
    """Make networks exist and serve their guests, in the foreground.

    It runs until SIGTERM or Ctrl-C, and what was made stays. The networks are those of FILE (-c), which is read again
    when it changes and on SIGHUP, or of the store (--store), which is changed over its API. Only the difference is
    applied. A FILE that says `source: neutron` is like `netmend agent` with its `config_files`.

    Exit codes: 0 ended as asked; 2 the file, the store or the host cannot be used.
    """
    settings = Settings(netns_dir, state_dir, runtime_dir, ovsdb=ovsdb)
    read = [path for path in (config, api_tokens, api_certificate, api_key) if path is not None]
    with refuse_on(SourceError):
        files = neutron_files(config) if config is not None else None
    given_up = GivenUp(settings, [*read, *(files or ())], take_over=files is not None)
    log_to_stderr()
    if (config is None) == (not store):
        refuse("give the intent file with -c FILE, or --store")
    names = [name.lower() for name in http_name or ()]
    with refuse_on(SourceError, CannotStart):
        source: Source
        routes: Callable[[NodeState], Sequence[AddRoutes]] = routes_of
        if files is not None:
            source, settings = neutron_source(files, settings)
        elif config is not None:
            from netmend.node.intake.file import FileSource

            source = FileSource(config)
        else:
            from netmend.node.intake.store import StoreSource, wrong_now

            api = api_settings(
                settings,
                api_listen,
                tokens=api_tokens,
                no_tokens=api_no_tokens,
                plain_http=api_plain_http,
                certificate=api_certificate,
                key=api_key,
            )
            source = stored = StoreSource(state_dir, api)
            where = api.listen

            def routes(state: "NodeState") -> "Sequence[AddRoutes]":
                called = replace(where, names=frozenset(names))
                stored.keep_records(lambda: wrong_now(state))
                stored.serve_beside(beside_api(state, called, tokens=api.require_tokens))
                return routes_of(state)

        given_up.report()
        asyncio.run(Node(source, settings, where_to_listen(listen, names), routes).run())
    if files is not None:
        leave()
