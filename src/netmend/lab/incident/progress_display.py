"""What a person sees of the incident while it runs: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from netmend.lab.incident.replay import Outcome, Show
from netmend.lab.incident.sentences import OLD_AGENT, notes, round_in_words, setup_in_words, verdict

_ROWS = 14
_BAR = 24


class Silence:
    """Says nothing: the document comes at the end."""

    def began(self, outcome: Outcome) -> None: ...

    def played(self, outcome: Outcome) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...


class PlainShow:
    """A line a round."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def began(self, outcome: Outcome) -> None:
        self._line(f"netmend lab incident: {setup_in_words(outcome.setup)}")

    def played(self, outcome: Outcome) -> None:
        self._line(round_in_words(outcome.rounds[-1], outcome.wanted))

    def finished(self, outcome: Outcome) -> None:
        self._line("")
        for line in verdict(outcome):
            self._line(line)

    def _line(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)


class TerminalShow:
    """The last rounds side by side, drawn anew after each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)

    def began(self, outcome: Outcome) -> None:
        self._console.print(Text.assemble(("netmend lab incident", "bold"), ", in a sandbox of its own"))
        self._console.print(Text(f"{setup_in_words(outcome.setup)}\n", "dim"))
        self._live.start()

    def played(self, outcome: Outcome) -> None:
        self._live.update(_table(outcome), refresh=True)

    def finished(self, outcome: Outcome) -> None:
        self._live.update(_table(outcome), refresh=True)
        self._live.stop()
        self._console.print()
        old, *new = verdict(outcome)
        self._console.print(Text(old, "bold red" if outcome.leaked_each_round else "yellow"))
        for line in new:
            self._console.print(Text(line, "bold green" if outcome.never_above_intent and line == new[0] else ""))


def show_for(console: Console) -> Show:
    return TerminalShow(console) if console.is_terminal else PlainShow(console)


def _table(outcome: Outcome) -> Group:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("round", justify="right")
    table.add_column(OLD_AGENT, justify="right", style="red")
    table.add_column("", no_wrap=True)
    table.add_column("netmend", justify="right", style="green")
    table.add_column("", no_wrap=True, overflow="ellipsis")
    most = max(1, outcome.most("old_agent"))
    for played in outcome.rounds[-_ROWS:]:
        bar = Text("█" * max(1, round(_BAR * played.old_agent / most)), "red") if played.old_agent else Text()
        bar.pad_right(_BAR - len(bar))
        said = Text(", ".join(notes(played)), "dim")
        table.add_row(str(played.number), f"{played.old_agent:,}", bar, f"{played.netmend:,}", said)
    return Group(table, Text(f"intent asks for {outcome.wanted} devices; Ctrl-C ends it", "dim"))
