"""`netmend down`: nothing of ours is left."""

import typer

from netmend.cli.options import (
    NETNS_DIRECTORY,
    RUNTIME_DIRECTORY,
    Config,
    NetnsDirectory,
    Ovsdb,
    RuntimeDirectory,
    sentences,
)
from netmend.intent import Intent
from netmend.node.lock import CannotStart, hold_lock
from netmend.node.settings import Settings
from netmend.reconcile.reconciler import Reconciler
from netmend.sources.file import IntentError, load


def down(
    config: Config,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    ovsdb: Ovsdb = None,
) -> None:
    """Remove every device and namespace that netmend made on this host, and nothing else; leases are kept.

    Refuses while a node runs. Exit code 0: all gone; 1: something of ours could not be removed.
    """
    with sentences(IntentError, CannotStart), hold_lock(Settings(runtime=runtime_dir).lock):
        load(config)
        reconciler = Reconciler(netns_dir, ovsdb=ovsdb)
        report = reconciler.run(Intent())
        left = [plan for plan in reconciler.plan(Intent()) if plan.steps]
    for reason in report.new_reasons:
        typer.echo(f"netmend: {reason.text}", err=True)
    if reconciler.breaker.state:
        found = reconciler.breaker.state.diagnosis
        typer.echo("\n".join((f"netmend: {found.summary}", *found.evidence, found.cause, found.mend)), err=True)
    typer.echo(f"{report.planned_steps} removed, {sum(len(plan.steps) for plan in left)} left")
    raise typer.Exit(1 if left or reconciler.breaker.state else 0)
