"""`netmend demo`: what netmend does, seen in a minute, without root."""

import sys
from pathlib import Path
from typing import Annotated

import click

from netmend.cli.command import Option
from netmend.cli.messages import output, refuse_on
from netmend.cli.options import Json
from netmend.lab.demo import demo as lab
from netmend.lab.demo.document import DocumentShow
from netmend.lab.demo.progress_display import TerminalShow
from netmend.sources.file import IntentError


def demo(
    config: Annotated[
        Path | None,
        Option("--config", "-c", metavar="FILE", help="Another intent file than the example."),
    ] = None,
    once: Annotated[bool, Option("--once", help="End when all has been shown, and do not stay up.")] = False,
    as_json: Json = False,
) -> None:
    """Serve networks, a router and six guests, in a sandbox.

    Two networks use the same addresses and never meet; a router joins one of them with a third, and leads to a world
    beyond. The guests run real DHCP clients. All of it happens in a sandbox: no root is needed, nothing of the host is
    touched, nothing is left behind. With --json it prints one document and ends.

    Exit codes: 0 every guest was served and isolation held; 1 not so; 2 this machine, or the file, cannot be used.
    """
    show = DocumentShow(sys.stdout, sys.stderr) if as_json else TerminalShow(output())
    with refuse_on(IntentError, lab.CannotRun):
        code = lab.run(lab.prepare(config), show, once=once or as_json)
    raise click.exceptions.Exit(code)
