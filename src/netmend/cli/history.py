"""`netmend history`: what was wrong."""

import time
from contextlib import closing
from typing import Annotated

from netmend.cli.command import Option
from netmend.cli.messages import refuse_on, say, say_json
from netmend.cli.options import STATE_DIRECTORY, Json, StateDirectory
from netmend.ground.printable import printable_line
from netmend.node.intake.store import DATABASE
from netmend.sources.store import StoreError
from netmend.sources.store.database import open_reader
from netmend.sources.store.records import read_records


def history(
    *,
    limit: Annotated[int, Option(least=1, help="How many of each kind to show, the newest.")] = 50,
    state_dir: StateDirectory = STATE_DIRECTORY,
    as_json: Json = False,
) -> None:
    """Show what was wrong, when, and for how long, from the store.

    It shows the faults of the host, and why networks were tried again. The node may run meanwhile.

    Exit codes: 0 shown; 2 there is no store, or it cannot be read.
    """
    with refuse_on(StoreError), closing(open_reader(state_dir / DATABASE)) as connection:
        found = read_records(connection, limit)
    if as_json:
        say_json(found, indent=2)
        return
    for finding in reversed(found["findings"]):
        say(f"{_when(finding)}  host: {printable_line(finding['summary'])}")
    for reason in reversed(found["reasons"]):
        port = f" port {reason['port']}" if reason["port"] else ""
        text = f"{reason['network']}{port}: {reason['reason']} (tried {reason['failures']}x)"
        say(f"{_when(reason)}  {printable_line(text)}")
    if not found["findings"] and not found["reasons"]:
        say("nothing was wrong")


def _when(row: dict[str, float]) -> str:
    begun = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row["since"]))
    lasted = "still" if row["resolved"] is None else f"{row['resolved'] - row['since']:.0f} s"
    return f"{begun} {lasted}"
