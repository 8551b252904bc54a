"""`netmend sweep`: delete what is dead, and nothing else."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import click

from netmend.cli.command import Option
from netmend.cli.messages import refuse, refuse_on, say, say_json
from netmend.cli.options import (
    NETNS_DIRECTORY,
    RUNTIME_DIRECTORY,
    STATE_DIRECTORY,
    Json,
    NetnsDirectory,
    RuntimeDirectory,
    StateDirectory,
)
from netmend.ground.printable import printable_line
from netmend.intent.network import Intent
from netmend.node.settings import Settings
from netmend.sources.problem import IntentError
from netmend.sweep import report
from netmend.sweep import sweep as sweeping
from netmend.sweep.journal import BadJournal, read_journal
from netmend.sweep.kinds import KINDS
from netmend.sweep.known import BadPortsFile, Known, known_of_lists, read_ports_files
from netmend.sweep.restore import restore as make_again
from netmend.sweep.sightings import CannotRemember

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def sweep(
    *,
    config: Annotated[
        Path | None,
        Option("--config", "-c", metavar="FILE", help="The intent file: sweep what is netmend's and not in it."),
    ] = None,
    kind: Annotated[
        list[str] | None, Option("--kind", help=f"Sweep these of others too; repeat it: {', '.join(KINDS)}.")
    ] = None,
    yes: Annotated[bool, Option("--yes/--dry-run", help="Delete; without it nothing is.")] = False,
    min_age: Annotated[
        str, Option("--min-age", help="Others' devices must have been dead for so long (10m, 2h, 1d).")
    ] = "10m",
    ports_file: Annotated[
        list[Path] | None,
        Option(
            "--ports-file",
            metavar="FILE",
            help="What the control plane knows: names, ids, or JSON; - reads standard input. Repeat it.",
        ),
    ] = None,
    neutron_api: Annotated[
        str | None,
        Option(
            "--neutron-api",
            metavar="FROM",
            help="Ask Neutron what it knows, as an administrator: env (OS_*), a cloud of clouds.yaml, or nova.conf.",
        ),
    ] = None,
    assume_all_seen: Annotated[
        bool, Option("--assume-all-seen", help="Take the processes that can be seen for all there are.")
    ] = False,
    restore: Annotated[
        Path | None, Option("--restore", metavar="JOURNAL", help="Make again what this journal says was deleted.")
    ] = None,
    every: Annotated[bool, Option("--list", help="Print each object, not only counts.")] = False,
    as_json: Json = False,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    state_dir: StateDirectory = STATE_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
) -> None:
    """Find dead devices and names by evidence; delete them with --yes.

    A journal is written before anything is deleted; --restore makes again what it holds.

    Exit codes: 0 nothing is dead, or all that was is gone; 1 something could not be deleted or made again; 2 bad input,
    or the host cannot be looked at; 3 something is dead (dry run), or looks so and cannot be called so yet: it is
    younger than --min-age, as everything is at the first look, or not everything could be looked at.
    """
    with refuse_on(IntentError, BadPortsFile, BadJournal, CannotRemember):
        if restore is not None:
            _restore(restore, as_json=as_json)
        kinds = tuple(dict.fromkeys(kind or ()))
        if unknown := [name for name in kinds if name not in KINDS]:
            refuse(f"--kind {unknown[0]}: no such kind; there are: {', '.join(KINDS)}")
        if config is None and not kinds:
            refuse("nothing to sweep: give the intent with -c FILE, or --kind, or both")
        options = sweeping.Options(
            intent=_intent(config),
            kinds=kinds,
            min_age=_seconds(min_age),
            known=_known(ports_file or [], neutron_api),
            assume_all_seen=assume_all_seen,
            directory=netns_dir,
            state=state_dir / "sweep",
        )
        with ExitStack() as locks:
            if yes:
                locks.enter_context(_locks(options.state / "lock", runtime_dir if config is not None else None))
                sweeping.recover(options)
            findings = sweeping.find(options)
            result = _delete(options, findings) if yes else None
    if as_json:
        say_json(report.to_json(options, findings, result, every_object=every), indent=2)
    else:
        for line in report.to_text(options, findings, result, every_object=every):
            say(printable_line(line))
    if result is not None and result.outcome.failed:
        raise click.exceptions.Exit(1)
    dead = result is None and findings.any_dead
    raise click.exceptions.Exit(3 if dead or report.undecided(findings) else 0)


def _known(files: list[Path], neutron_api: str | None) -> Known:
    known = read_ports_files(files)
    if neutron_api is None:
        return known
    from netmend.sources.neutron.credentials import CannotAsk, find_credentials
    from netmend.sources.neutron.listing import ask_neutron  # here: aiohttp costs 0.2 s

    with refuse_on(CannotAsk):
        listing = ask_neutron(find_credentials(neutron_api))
    return known | known_of_lists(listing.asked_at, listing.ports, listing.networks, listing.routers)


def _intent(config: Path | None) -> Intent | None:
    if config is None:
        return None
    from netmend.sources.file import load  # here: it costs 0.1 s

    return load(config)


def _delete(options: sweeping.Options, findings: sweeping.Findings) -> sweeping.Result:
    total = sum(len(unit.links) for unit in findings.dead_units) + len(findings.dead_ports)
    total += len(findings.dead_names) + len(findings.dead_processes)
    with _progress(total) as advance:
        return sweeping.carry_out(options, findings, advance)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar with rate and time left on a terminal; a line every few seconds elsewhere. On standard error."""
    if not total:
        yield lambda count: None
        return
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        rate = TextColumn("{task.fields[rate]}")
        columns = ("deleting", BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn(compact=True))
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task, started = bar.add_task("", total=total, rate=""), time.monotonic()
            done = 0

            def advance(count: int) -> None:
                nonlocal done
                done += count
                bar.update(task, advance=count, rate=f"{done / (time.monotonic() - started):,.0f}/s")

            yield advance
        return
    done, started = 0, time.monotonic()
    said = started

    def tell(count: int) -> None:
        nonlocal done, said
        done += count
        now = time.monotonic()
        if now - said >= 2 or done == total:
            said = now
            rate = done / max(now - started, 1e-9)
            say(f"{done:,} of {total:,}, {rate:,.0f} a second, {(total - done) / rate:,.0f} s left", err=True)

    yield tell


@contextmanager
def _locks(sweep_lock: Path, runtime: Path | None) -> Iterator[None]:
    """Be the only sweep. `runtime`: keep a node that has this directory from running too: it would remove what is
    not in its intent, and makes what is."""
    from netmend.node.lock import (  # with the node's logging
        CannotStart,
        hold_lock,
        hold_network_namespace,
    )

    with ExitStack() as locks:
        with refuse_on(CannotStart):
            if runtime is not None:
                locks.enter_context(hold_lock(Settings(runtime=runtime).lock))
                locks.enter_context(hold_network_namespace())
            try:
                locks.enter_context(hold_lock(sweep_lock))
            except CannotStart as error:
                text = str(error).replace("netmend runs already", "a sweep runs already")
                raise CannotStart(text.replace("--runtime-dir", "--state-dir")) from error
        yield


def _restore(path: Path, *, as_json: bool) -> NoReturn:
    found = list(make_again(read_journal(path)))
    problems = [one for one in found if one.problem]
    made = [one for one in found if not one.problem and not one.there]
    if as_json:
        document = {
            "restored": len(made),
            "there": len(found) - len(made) - len(problems),
            "failed": [{"name": one.name, "why": one.problem} for one in problems],
        }
        say_json(document, indent=2)
    else:
        for one in problems:
            say(printable_line(f"failed  {one.name}: {one.problem}"))
        there = len(found) - len(made) - len(problems)
        never_went = f", {there:,} never went" if there else ""
        say(f"{len(made):,} made again{never_went}, {len(problems):,} not")
    raise click.exceptions.Exit(1 if problems else 0)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhd]?)", text.strip())
    if found is None:
        refuse(f"--min-age {text}: expected a number of seconds, or of m, h, d")
    return float(found[1]) * _UNITS[found[2]]
