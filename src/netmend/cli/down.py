"""`netmend down`: removes all that netmend made."""

import click

from netmend.cli.messages import complain, refuse_on, say, say_json
from netmend.cli.options import (
    NETNS_DIRECTORY,
    RUNTIME_DIRECTORY,
    Config,
    Json,
    NetnsDirectory,
    Ovsdb,
    RuntimeDirectory,
)
from netmend.intent import Intent
from netmend.node.lock import CannotStart, hold_lock, hold_network_namespace
from netmend.node.names_lock import hold_names
from netmend.node.settings import Settings
from netmend.reconcile.reconciler import Reconciler
from netmend.sources.file import IntentError, load


def down(
    config: Config,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    ovsdb: Ovsdb = None,
    as_json: Json = False,
) -> None:
    """Remove what netmend made on this host, and nothing else.

    Every device and namespace of netmend goes; leases are kept.

    Exit codes: 0 all is gone; 1 something of netmend's could not be removed; 2 a node runs, or the file or the host
    cannot be used.
    """
    with refuse_on(IntentError):
        load(config)
    with (
        refuse_on(CannotStart),
        hold_lock(Settings(runtime=runtime_dir).lock),
        hold_network_namespace(),
        hold_names(netns_dir, make=False),
    ):
        reconciler = Reconciler(netns_dir, ovsdb=ovsdb)
        report = reconciler.run(Intent())
        left = sum(len(plan.steps) for plan in reconciler.plan(Intent()))
        for reason in report.new_reasons:
            complain(reason.text)
        fault = reconciler.breaker.state.diagnosis if reconciler.breaker.state else None
    if fault:
        complain("\n".join((fault.summary, *fault.evidence, fault.cause, fault.mend)))
    if as_json:
        say_json({"removed": report.planned_steps, "left": left})
    else:
        say(f"{report.planned_steps} removed, {left} left")
    raise click.exceptions.Exit(1 if left or fault else 0)
