"""`netmend health`: whether the running node works, serves its guests, and has nothing wrong, for probes."""

from enum import StrEnum
from typing import Annotated

import click

from netmend.cli.command import Argument
from netmend.cli.messages import refuse_on, say, say_json
from netmend.cli.options import RUNTIME_DIRECTORY, Json, RuntimeDirectory
from netmend.ground.printable import printable_line
from netmend.node.http.status_client import NobodyListens, NoNode, ask_health
from netmend.node.settings import Settings


class Word(StrEnum):
    """How much is asked for; each includes those before it."""

    LIVE = "live"
    READY = "ready"
    WHOLE = "whole"


def health(
    word: Annotated[Word, Argument(metavar="[live|ready|whole]", help="Default: ready.")] = Word.READY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    as_json: Json = False,
) -> None:
    """Say whether the running node works, serves, or is whole.

    live: its process works; starting it again would mend nothing. ready: all guests are served. whole: nothing is
    wrong. Each includes the one before it. While the Neutron server or its broker is away, what was last known is
    served, and none of the three fails for it.

    Exit codes: 0 it is so; 1 it is not, and why is shown; 2 no node answers.
    """
    settings = Settings(runtime=runtime_dir)
    with refuse_on(NoNode):
        try:
            found = ask_health(settings.socket, word)
        except NobodyListens:
            from netmend.node.lock import is_held  # with the node's logging, which a probe does without

            if not is_held(settings.lock):
                raise
            # It has its lock, and waits for its first intent or makes its first networks.
            wrong = [] if word is Word.LIVE else ["the node starts, and does not listen yet"]
            found = {"health": word.value, "ok": not wrong, "wrong": wrong}
    if as_json:
        say_json(found, indent=2)
    else:
        say("\n".join([f"{found['health']}: {'yes' if found['ok'] else 'no'}", *map(printable_line, found["wrong"])]))
    raise click.exceptions.Exit(0 if found["ok"] else 1)
