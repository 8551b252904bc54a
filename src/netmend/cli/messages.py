"""What verbs print: messages on standard error, tables on standard output.

Each message begins with `netmend VERB: `, then says which object and why.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

from netmend.kernel.errors import KernelError
from netmend.sources.problem import IntentError

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 10_000  # columns; wider than any line
BAD_INPUT = 2  # the exit code when a verb has nothing that it can work with

_command = "netmend"


def name_command(words: str) -> None:
    """Set what messages begin with, such as `netmend lab run`; `main` does so when it has found the verb."""
    global _command  # a process runs one verb
    _command = words


def complain(text: str) -> None:
    """Print one message; its further lines are indented."""
    typer.echo(f"{_command}: " + text.strip().replace("\n", "\n  "), err=True)


def refuse(text: str) -> NoReturn:
    """Print one message and end with exit code 2. Raises typer.Exit."""
    complain(text)
    raise typer.Exit(BAD_INPUT)


@contextmanager
def refuse_on(*errors: type[Exception]) -> Iterator[None]:
    """Turn these errors, and the kernel's, into messages and exit code 2. Raises typer.Exit.

    An IntentError becomes one message for each of its problems: `netmend VERB: FILE:LINE: FIELD: WHY`.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, (*errors, KernelError)):
            raise
        for text in str(error).splitlines() if isinstance(error, IntentError) else [str(error)]:
            complain(text)
        raise typer.Exit(BAD_INPUT) from None


def output() -> "Console":
    """Standard output: as wide as the terminal, or as COLUMNS says; piped without it, as wide as each line needs."""
    from rich.console import Console  # slow to load

    console = Console(highlight=False)
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=_WIDE)
