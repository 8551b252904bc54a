"""`netmend export`: the store as an intent file."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import click

from netmend.cli.command import Option
from netmend.cli.messages import as_ascii_json, complain, refuse_on
from netmend.cli.options import STATE_DIRECTORY, StateDirectory
from netmend.ground.private_files import write_private
from netmend.node.intake.store import DATABASE
from netmend.sources.store import StoreError
from netmend.sources.store.database import open_reader
from netmend.sources.store.exchange.export import export as export_store


def export(
    *,
    output: Annotated[
        Path | None,
        Option("--output", "-o", metavar="FILE", help="Where to write; without it, to standard output."),
    ] = None,
    state_dir: StateDirectory = STATE_DIRECTORY,
    as_json: Annotated[bool, Option("--json", help="Write JSON, which loads faster, instead of YAML.")] = False,
) -> None:
    """Write what the store holds as an intent file, with all ids.

    The node may run meanwhile. Objects that a file cannot describe are named on standard error: those that are switched
    off, and subnets without DHCP.

    Exit codes: 0 written; 2 there is no store, or it cannot be read.
    """
    with refuse_on(StoreError):
        with closing(open_reader(state_dir / DATABASE)) as connection:
            connection.execute("BEGIN")  # one state of it, whatever is written meanwhile
            found = export_store(connection)
        for line in found.left_out:
            complain(f"left out: {line}")
        text = as_ascii_json(found.root, indent=1) + "\n" if as_json else found.text()
        if output is None:
            click.echo(text, nl=False)
            return
        try:
            write_private(output, text)
        except OSError as error:
            raise StoreError(f"{output}: cannot be written: {error.strerror}") from None
