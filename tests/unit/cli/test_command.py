"""Commands made from functions."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import click
import pytest
from click.testing import CliRunner

from netmend.cli.command import Argument, Option, command


class Size(StrEnum):
    """One of two."""

    SMALL = "small"
    LARGE = "large"


def _no_tab(text: str | None) -> str | None:
    if text and "\t" in text:
        raise click.BadParameter("no tabs")
    return text and text.upper()


def verb(
    files: Annotated[list[Path], Argument(metavar="FILE...", help="Files.")],
    size: Annotated[Size, Argument(metavar="[SIZE]", help="How large.")] = Size.SMALL,
    *,
    count: Annotated[int, Option("--count", "-n", least=1, most=9, help="How many.")] = 2,
    names: Annotated[list[str] | None, Option("--name", help="A name, or several.")] = None,
    word: Annotated[str | None, Option(envvar="VERB_WORD", callback=_no_tab, help="A word.")] = None,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Say nothing.")] = False,
    loud: Annotated[bool | None, Option("--loud/--no-loud", help="Shout.")] = None,
) -> None:
    """Do it.

    At once.
    """
    click.echo(repr((files, size, count, names, word, quiet, loud)))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a"], ([Path("a")], Size.SMALL, 2, None, None, False, None)),
        (["a", "b", "large"], ([Path("a"), Path("b")], Size.LARGE, 2, None, None, False, None)),
        (["a", "-n", "9", "-q", "--no-loud"], ([Path("a")], Size.SMALL, 9, None, None, True, False)),
        (["a", "--name", "x", "--name", "y"], ([Path("a")], Size.SMALL, 2, ["x", "y"], None, False, None)),
        (["a", "--word", "hi"], ([Path("a")], Size.SMALL, 2, None, "HI", False, None)),
    ],
)
def test_values(words: list[str], expected: tuple[object, ...]) -> None:
    last = [] if words[-1] == "large" else ["small"]
    done = CliRunner().invoke(command(verb), [*words, *last])
    assert done.output == repr(expected) + "\n"


def one_size(size: Annotated[Size, Argument(help="How large.")] = Size.LARGE) -> None:
    """Say it."""
    click.echo(repr(size))


@pytest.mark.parametrize(("words", "expected"), [([], Size.LARGE), (["small"], Size.SMALL)])
def test_a_default_that_is_one_of_an_enum(words: list[str], expected: Size) -> None:
    assert CliRunner().invoke(command(one_size), words).output == f"{expected!r}\n"


def test_the_environment_gives_a_value() -> None:
    done = CliRunner().invoke(command(verb), ["a", "small"], env={"VERB_WORD": "hi"})
    assert "'HI'" in done.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "Missing argument 'FILE...'"),
        (["a", "huge"], "'huge' is not one of 'small', 'large'"),
        (["a", "small", "-n", "10"], "10 is not in the range 1<=x<=9"),
        (["a", "small", "-n", "x"], "'x' is not a valid integer"),
        (["a", "small", "--word", "\t"], "no tabs"),
    ],
)
def test_what_is_wrong(words: list[str], why: str) -> None:
    done = CliRunner().invoke(command(verb), words)
    assert done.exit_code == 2 and why in done.output


def test_help() -> None:
    text = CliRunner().invoke(command(verb, "do"), ["--help"]).output
    assert text.startswith("Usage: do [OPTIONS] FILE... [SIZE]\n\n  Do it.\n\n  At once.\n")
    for line in ("How many. [default: 2; 1<=x<=9]", "[env var: VERB_WORD]", "Say nothing.", "Files."):
        assert line in " ".join(text.split())


def test_a_path_that_this_user_may_not_read_is_the_readers_matter() -> None:
    """A directory that another user keeps private, as a default too, must not be a usage error of a verb that can do
    without it. (Root may read all, so what click checks is looked at, not done.)"""
    paths = [one.type for one in command(verb).params if isinstance(one.type, click.Path)]
    assert paths and not any(one.readable or one.exists for one in paths)
