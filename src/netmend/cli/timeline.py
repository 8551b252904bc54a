"""`netmend timeline`: what the logs of a night say."""

from __future__ import annotations

import sys
import time
from pathlib import Path, PurePath
from typing import IO, Annotated

from netmend.cli.command import Argument, Option
from netmend.cli.messages import output, refuse, say, say_json
from netmend.cli.options import Json
from netmend.forensics import console, page, reading, report, signatures, zones
from netmend.forensics.report_json import to_json
from netmend.ground.printable import printable_line


class Ticker:
    """Says where the reading is, on a line of `stream` that is written over; line by line where that is no terminal."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.terminal = stream.isatty()
        self.pause = 0.2 if self.terminal else 5.0
        self.next = time.monotonic() + self.pause
        self.width = 0

    def __call__(self, progress: report.Progress) -> None:
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + self.pause
        share = f"{min(progress.done * 100 // progress.size, 100)} %" if progress.size else f"{progress.done >> 20} MiB"
        name = printable_line(PurePath(progress.file).name)[:40]
        self._write(f"{share} read, file {progress.number:,} of {progress.files:,}: {name}")

    def end(self) -> None:
        """Leave the terminal's line as it was."""
        if self.terminal and self.width:
            self._write("")
            self.stream.write("\r")
            self.stream.flush()

    def _write(self, text: str) -> None:
        if self.terminal:
            self.stream.write(f"\r{text:<{self.width}}")
            self.width = len(text)
        else:
            self.stream.write(f"{text}\n")
        self.stream.flush()


def timeline(
    logs: Annotated[list[str], Argument(help="Log files, directories of them, or - for standard input.")],
    *,
    tz: Annotated[
        list[str] | None,
        Option("--tz", help="FILE_GLOB=ZONE: the zone of stamps that do not say theirs (default: UTC)."),
    ] = None,
    offset: Annotated[
        list[str] | None,
        Option("--offset", help="FILE_GLOB=SECONDS, added to each stamp of a host whose clock is wrong."),
    ] = None,
    as_json: Json = False,
    html: Annotated[Path | None, Option("--html", help="Write the report as one page.", metavar="FILE")] = None,
    signature: Annotated[
        list[Path] | None, Option("--signatures", help="A directory or file with further signatures.")
    ] = None,
    show: Annotated[int, Option("--show", help="Rows of the time line and of the messages.", least=1)] = 25,
    progress: Annotated[
        bool | None,
        Option("--progress/--no-progress", help="Say on standard error how far it is; a terminal is told."),
    ] = None,
) -> None:
    """Put logs on one time line, and name what went wrong.

    It finds the first failure, and what followed from it.

    Exit codes: 0 the logs were read, whatever is in them; 2 a file or an option cannot be used.
    """
    told = sys.stderr.isatty() and not as_json if progress is None else progress
    ticker = Ticker(sys.stderr) if told else None
    try:
        found = report.read(logs, tz or (), offset or (), signature or (), ticker)
        if html is not None:
            page.write(found, html)
    except (reading.UnreadableLog, zones.BadRule, signatures.BadSignature, page.CannotWrite) as error:
        refuse(str(error))
    finally:
        if ticker is not None:
            ticker.end()
    if as_json:
        say_json(to_json(found), indent=2)
        return
    screen = output(obey_columns=True)
    screen.print(console.render(found, show, wide=screen.width > 200))
    if html is not None:
        say(f"\nwritten: {html}")
