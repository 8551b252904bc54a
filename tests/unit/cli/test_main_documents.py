"""What README.md and docs/json.md say of the verbs is what the verbs say of themselves."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netmend.cli.main import VERBS, Verb

CHECKOUT = Path(__file__).parents[3]
FOREGROUND = {"run", "agent"}  # they print a log


def verbs() -> Iterator[tuple[str, Any]]:
    for name, summary in VERBS.items():
        command = Verb(name, summary).load()
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            yield from ((f"{name} {verb}", found) for verb, found in inner.items())


def exit_codes(text: str) -> set[str]:
    """The numbers that begin a part of a list of exit codes."""
    return set(re.findall(r"(?:^|[,;] )(\d)\b", text))


def test_the_table_of_verbs_has_every_verb_and_its_exit_codes() -> None:
    rows = re.findall(r"^\| `netmend ([^`]+)` \| .* \| (.*) \|$", (CHECKOUT / "README.md").read_text(), re.M)
    table: dict[str, set[str]] = {}
    for words, codes in rows:
        verb = re.match(r"(?:lab|flows) \w+|\w+", words)
        assert verb is not None
        table.setdefault(verb[0], set()).update(exit_codes(codes))
    helps = {name: " ".join(command.help.partition("Exit codes: ")[2].split()) for name, command in verbs()}
    assert table == {name: exit_codes(text) for name, text in helps.items()}


def test_all_verbs_but_those_in_the_foreground_have_json_and_a_shape() -> None:
    having = {name for name, command in verbs() if any("--json" in found.opts for found in command.params)}
    assert having == {name for name, _ in verbs()} - FOREGROUND
    text = (CHECKOUT / "docs" / "json.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", text, re.M)
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == having
    for name in re.findall(r"\]\((\w[\w-]*\.md)\)", text):
        assert "json" in (CHECKOUT / "docs" / name).read_text().lower()
