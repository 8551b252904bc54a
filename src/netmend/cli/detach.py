"""`netmend detach`: take a port of the store out of its guest."""

import typer

from netmend.attach.client import NoApi, NoSuchObject, Refused
from netmend.cli.attach import Port, changed
from netmend.cli.options import RUNTIME_DIRECTORY, RuntimeDirectory, sentences


def detach(port: Port, runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY) -> None:
    """Unplug a port of the store; the port, its addresses and its leases stay. That it was not plugged is no error.

    Exit codes: 0 done; 2 no such port, or no store answers.
    """
    with sentences(NoApi, NoSuchObject, Refused):
        found = changed(runtime_dir, port, None)
    typer.echo(f"{found['name'] or found['id']}: not plugged")
