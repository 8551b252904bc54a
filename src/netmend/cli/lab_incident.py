"""`netmend lab incident`: the outage replayed, and netmend beside it."""

import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import IO, Annotated

import click

from netmend.cli.command import Option
from netmend.cli.messages import output, refuse_on, say, say_json
from netmend.cli.options import Json
from netmend.lab.incident import logs, page
from netmend.lab.incident.document import document
from netmend.lab.incident.progress_display import Silence, show_for
from netmend.lab.incident.replay import Outcome, play
from netmend.lab.incident.setup import CannotPlay, setup_from

_ROUNDS = 20  # with --once or --json, and no --rounds

Html = Annotated[Path | None, Option("--html", metavar="FILE", help="Draw the curve, as one page.")]


def incident(
    *,
    once: Annotated[bool, Option("--once", help=f"End after {_ROUNDS} rounds, or those of --rounds.")] = False,
    as_json: Json = False,
    engine: Annotated[str, Option("--engine", metavar="NAME", help="kernel, or docker (as root).")] = "kernel",
    propagation: Annotated[
        list[str] | None,
        Option(
            "--propagation",
            metavar="NAME=WORD",
            help="A container and its mount of /run/netns: private, shared, slave (with r or without) or none; several "
            "with commas. The first makes the namespace, the last uses it (default: a=private).",
        ),
    ] = None,
    restart: Annotated[
        list[str] | None,
        Option(
            "--restart",
            metavar="NAME@ROUND",
            help="Restart a container (default: a@1, when one container makes and uses the namespace).",
        ),
    ] = None,
    no_restart: Annotated[bool, Option("--no-restart", help="Restart nothing.")] = False,
    interval: Annotated[
        float, Option("--interval", metavar="S", help="Seconds from resync to resync.", least=0)
    ] = 0.25,
    rounds: Annotated[int | None, Option("--rounds", metavar="N", help="End after N rounds.", least=1)] = None,
    made_by: Annotated[str | None, Option("--made-by", metavar="NAME", help="A container, or host.")] = None,
    used_by: Annotated[str | None, Option("--used-by", metavar="NAME", help="A container.")] = None,
    before: Annotated[
        str,
        Option("--before", metavar="WHAT", help="What has the name already: none, file, namespace."),
    ] = "none",
    run: Annotated[str, Option("--run", metavar="WORD", help="The host's /run: shared or private.")] = "shared",
    html: Html = None,
    log: Annotated[
        Path | None,
        Option(
            "--log", metavar="DIR", help="Write the agents' logs, a directory each, as netmend timeline reads them."
        ),
    ] = None,
) -> None:
    """Replay the outage: the old agent's loop leaks devices, netmend on the same intent does not.

    The old agent is a stand-in that does what its resync did, on real devices. All happens in a sandbox: no root is
    needed, nothing of the host is touched, nothing is left behind. Without --once or --rounds it goes on until Ctrl-C.

    Exit codes: 0 the old agent leaked in every round, and netmend never had more devices than intent asks for, at any
    instant; 1 not so; 2 it cannot be played.
    """
    signal.signal(signal.SIGTERM, _terminated)
    with refuse_on(CannotPlay):
        restarts = [] if no_restart else [part for text in restart for part in text.split(",")] if restart else None
        setup = setup_from(
            propagation or ["a=private"],
            restarts,
            made_by=made_by,
            used_by=used_by,
            before=before,
            run=run,
            engine=engine,
        )
        planned = rounds or (_ROUNDS if once or as_json else None)
        show = Silence() if as_json else show_for(output())
        with _netmend_log(log) as netmend_log:
            outcome = play(setup, show, interval=interval, rounds=planned, netmend_log=netmend_log)
        written = _write(outcome, html, log)
    if as_json:
        say_json(document(outcome), indent=2)
    elif written:
        say("written: " + ", ".join(map(str, written)))
    raise click.exceptions.Exit(0 if outcome.ok else 1)


def _terminated(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough: what follows puts things away
    sys.exit(128 + number)


def _netmend_log(directory: Path | None) -> IO[bytes]:
    if directory is None:
        return tempfile.TemporaryFile()
    path = directory / logs.NETMEND
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError as error:
        raise CannotPlay(f"{path}: cannot be written: {error.strerror}") from error


def _write(outcome: Outcome, html: Path | None, log: Path | None) -> list[Path]:
    written = []
    try:
        if html is not None:
            page.write(outcome, html)
            written.append(html)
        if log is not None:
            written += logs.write(outcome, log)
    except OSError as error:
        raise CannotPlay(f"{error.filename}: cannot be written: {error.strerror}") from error
    return written
