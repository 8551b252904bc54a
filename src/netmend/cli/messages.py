"""What verbs print: messages on standard error, tables on standard output.

Each message begins with `netmend VERB: `, then says which object and why. Texts hold names and words of tenants, guests
and other programs, so no verb prints one raw: `say`, `complain`, `shown` and `output` write out what would steer a
terminal (`netmend.ground.printable`). JSON says the same by its own escapes.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from netmend.ground.printable import printable, printable_line
from netmend.kernel.errors import KernelError
from netmend.sources.problem import IntentError

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 10_000  # columns; wider than any line
_OF_LINES = frozenset(("problem", "cause", "mend"))  # of diagnoses, and of intent that cannot be used
T = TypeVar("T")
BAD_INPUT = 2  # the exit code when a verb has nothing that it can work with

_command = "netmend"


def name_command(words: str) -> None:
    """Set what messages begin with, such as `netmend lab run`; `main` does so when it has found the verb."""
    global _command  # a process runs one verb
    _command = words


def say(text: str, *, err: bool = False) -> None:
    """Print lines for a person."""
    click.echo(printable(text), err=err)


def say_json(document: Any, *, indent: int | None = None) -> None:
    """Print a document as JSON."""
    click.echo(as_ascii_json(document, indent=indent))


def as_ascii_json(document: Any, *, indent: int | None = None) -> str:
    """A document as JSON in ASCII without DEL: no text of it is altered, and none steers a terminal."""
    return json.dumps(document, indent=indent).replace("\x7f", "\\u007f")


def shown(value: T, *, lines: bool = True) -> T:
    """A document as `say` would print its texts: for what goes another way to a terminal.

    A text stays on its line, so that a name with a line break in it makes no line of its own. One of netmend's own that
    may have several keeps them, further ones indented: a text by itself, and in a mapping those of the keys in
    `_OF_LINES`.
    """
    made: Any = value
    if isinstance(value, str):
        made = printable(value).replace("\n", "\n  ") if lines else printable_line(value)
    elif isinstance(value, dict):
        made = {key: shown(inner, lines=key in _OF_LINES) for key, inner in value.items()}
    elif isinstance(value, list):
        made = [shown(inner, lines=lines) for inner in value]
    return cast(T, made)


def complain(text: str) -> None:
    """Print one message; its further lines are indented."""
    say(f"{_command}: " + text.strip().replace("\n", "\n  "), err=True)


def refuse(text: str) -> NoReturn:
    """Print one message and end with exit code 2. Raises click.exceptions.Exit."""
    complain(text)
    raise click.exceptions.Exit(BAD_INPUT)


@contextmanager
def refuse_on(*errors: type[Exception]) -> Iterator[None]:
    """Turn these errors, and the kernel's, into messages and exit code 2. Raises click.exceptions.Exit.

    An IntentError becomes one message for each of its problems: `netmend VERB: FILE:LINE: FIELD: WHY`.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, (*errors, KernelError)):
            raise
        for text in str(error).splitlines() if isinstance(error, IntentError) else [str(error)]:
            complain(text)
        raise click.exceptions.Exit(BAD_INPUT) from None


def output(*, obey_columns: bool = False) -> "Console":
    """Standard output: as wide as the terminal; where it is none, as wide as each line needs.

    With `obey_columns`, for prose, COLUMNS says how wide it is where it is no terminal. Tables do not obey it:
    readline and others put it into the environment, and a script that reads a table wants each row on one line.
    """
    from rich.console import Console  # slow to load

    console = Console(highlight=False)
    if console.is_terminal or (obey_columns and "COLUMNS" in os.environ):
        return console
    return Console(highlight=False, width=_WIDE)
