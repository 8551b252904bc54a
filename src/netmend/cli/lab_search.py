"""`netmend lab search`: every way to endless taps."""

from pathlib import Path
from typing import Annotated

import click
from rich.console import Console
from rich.progress import Progress

from netmend.cli.command import Option
from netmend.cli.messages import refuse, refuse_on, say, say_json
from netmend.cli.options import Json
from netmend.lab.engines.world import EngineMissing
from netmend.lab.search import report
from netmend.lab.search import search as lab


def search(
    as_json: Json = False,
    kernel_all: Annotated[
        bool, Option("--kernel-all", help="Do every set-up on the kernel, not only those that were found.")
    ] = False,
    scenarios: Annotated[
        Path | None, Option("--scenarios", metavar="DIR", help="Write each reproduction for netmend lab run.")
    ] = None,
) -> None:
    """Walk mounts, restarts, makers and old names for every way to endless taps, and give the shortest of each.

    First by the model of the kernel, then on the kernel itself, in a sandbox; nothing of the host is touched.

    Exit codes: 0 model and kernel agree; 1 they do not; 2 this machine has no sandbox for the kernel.
    """
    console = Console(stderr=True)
    with refuse_on(EngineMissing), Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("by the model", total=None)
        found = lab.search(lambda done, of: bar.update(task, completed=done, total=of), all_on_kernel=kernel_all)
    if as_json:
        say_json(report.document(found), indent=2)
    else:
        say("\n".join(report.report(found)))
    if scenarios is not None:
        try:
            report.write_scenarios(found, scenarios)
        except OSError as error:
            refuse(f"{error.filename}: cannot be written: {error.strerror}")
    raise click.exceptions.Exit(1 if found.disagreements else 0)
