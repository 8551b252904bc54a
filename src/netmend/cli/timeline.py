"""`netmend timeline`: what the logs of a night say."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from netmend.cli.messages import output, refuse
from netmend.cli.options import Json
from netmend.forensics import console, page, reading, report, signatures, zones
from netmend.forensics.report_json import to_json


def timeline(
    logs: Annotated[list[str], typer.Argument(help="Log files, directories of them, or - for standard input.")],
    *,
    tz: Annotated[
        list[str] | None,
        typer.Option("--tz", help="FILE_GLOB=ZONE: the zone of stamps that do not say theirs (default: UTC)."),
    ] = None,
    offset: Annotated[
        list[str] | None,
        typer.Option("--offset", help="FILE_GLOB=SECONDS, added to each stamp of a host whose clock is wrong."),
    ] = None,
    as_json: Json = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as one page.", metavar="FILE")] = None,
    signature: Annotated[
        list[Path] | None, typer.Option("--signatures", help="A directory or file with further signatures.")
    ] = None,
    show: Annotated[int, typer.Option("--show", help="Rows of the time line and of the messages.", min=1)] = 25,
) -> None:
    """Put logs on one time line, and name what went wrong.

    It finds the first failure, and what followed from it.

    Exit codes: 0 the logs were read, whatever is in them; 2 a file or an option cannot be used.
    """
    try:
        found = report.read(logs, tz or (), offset or (), signature or ())
        if html is not None:
            page.write(found, html)
    except (reading.UnreadableLog, zones.BadRule, signatures.BadSignature, page.CannotWrite) as error:
        refuse(str(error))
    if as_json:
        json.dump(to_json(found), sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    screen = output(obey_columns=True)
    screen.print(console.render(found, show, wide=screen.width > 200))
    if html is not None:
        typer.echo(f"\nwritten: {html}")
