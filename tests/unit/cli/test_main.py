"""The command line as a whole: summaries, version, completion, messages, and what `--help` loads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netmend import __version__
from netmend.cli.main import VERBS, Verb, build

COMMAND = [sys.executable, "-m", "netmend.cli"]


def netmend(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | environment
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, env=known, timeout=120)


GROUPS = {"lab", "flows"}  # of verbs


@pytest.mark.parametrize("name", VERBS)
def test_a_summary_is_the_first_paragraph_of_the_verbs_own_help(name: str) -> None:
    command = Verb(name, VERBS[name]).load()
    assert command.help.split("\n\n")[0] == VERBS[name]


@pytest.mark.parametrize("name", sorted(set(VERBS) - GROUPS))
def test_the_help_of_a_verb_has_its_exit_codes(name: str) -> None:
    assert "Exit codes: 0 " in Verb(name, VERBS[name]).load().help


def test_help_shows_every_summary_whole_and_on_one_line() -> None:
    lines = netmend("--help").stdout.splitlines()
    for name, summary in VERBS.items():
        assert f"  {name:<8}  {summary}" in lines


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_the_help_of_a_group_shows_every_summary_whole(name: str) -> None:
    shown = " ".join(netmend(name, "--help").stdout.split())
    group = Verb(name, VERBS[name]).load()
    assert len(group.commands) > 1
    for command in group.commands.values():
        assert " ".join(command.help.split("\n\n")[0].split()) in shown
    assert "..." not in shown.replace("ARGS]...", "")


def test_version() -> None:
    done = netmend("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"netmend {__version__}\n", "")


def test_help_and_completion_load_no_verb() -> None:
    """They know verbs by name and summary."""
    program = (
        "import sys; from netmend.cli.main import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    for environment, words in (
        ({}, ["--help"]),
        ({"_NETMEND_COMPLETE": "bash_complete", "COMP_WORDS": "netmend ", "COMP_CWORD": "1"}, []),
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=120,
        )  # fmt: skip
        assert "status" in done.stdout and "sweep" in done.stdout
        loaded = set(done.stderr.split())
        assert "netmend.cli.messages" in loaded
        assert not loaded & {
            "netmend.cli.status",
            "netmend.node.node",
            "aiohttp",
            "asyncio",
            "pydantic",
            "rich",
            "typing_extensions",
        }


@pytest.mark.parametrize(
    ("words", "position", "offered"),
    [
        ("netmend st", 1, ["status"]),
        ("netmend status --j", 2, ["--json"]),
        ("netmend lab ", 2, ["compare", "incident", "predict", "run", "search"]),
    ],
)
def test_completion(words: str, position: int, offered: list[str]) -> None:
    done = netmend(_NETMEND_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(position))
    assert done.stdout.split() == [f"plain,{word}" for word in offered]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stauts"], "netmend: No such command 'stauts'. Did you mean 'status'?; netmend --help says what there is"),
        (["status", "--jsn"], "netmend status: No such option '--jsn'"),
        (["lab", "run"], "netmend lab run: Missing argument 'FILE'; netmend lab run --help says what there is"),
        (["lab", "run", "/no/such"], "netmend lab run: /no/such: No such file or directory"),
        (["check", "-c", "/no/such"], "netmend check: /no/such: there is no such file"),
        (["plan", "-c", "/no/such"], "netmend plan: /no/such: there is no such file"),
        (["doctor", "--from", "/no/such"], "netmend doctor: /no/such: No such file or directory"),
        (["lint", "/no/such"], "netmend lint: /no/such: No such file or directory"),
        (["timeline", "/no/such"], "netmend timeline: /no/such: "),
        (["explain", "--engine", "nobody", "x"], "netmend explain: "),
        (["status", "--runtime-dir", "/no/such"], "netmend status: "),
        (["health", "--runtime-dir", "/no/such"], "netmend health: no node runs here"),
        (["sweep"], "netmend sweep: nothing to sweep: "),
        (["attach", "x"], "netmend attach: give one of --pid, --netns, --container, --tap"),
        (["detach", "x", "--runtime-dir", "/no/such"], "netmend detach: "),
        (["run"], "netmend run: give the intent file with -c FILE, or --store"),
        (["history", "--state-dir", "/no/such"], "netmend history: "),
        (["export", "--state-dir", "/no/such"], "netmend export: "),
        (["apply", "-f", "/no/such"], "netmend apply: /no/such: "),
        (["import", "-c", "/no/such"], "netmend import: /no/such: "),
        (["down", "-c", "/no/such"], "netmend down: /no/such: "),
        (["demo", "-c", "/no/such"], "netmend demo: /no/such: "),
        (["lab", "incident", "--propagation", "a=odd"], "netmend lab incident: "),
    ],
)
def test_every_message_begins_with_the_verb_and_says_why(words: list[str], said: str) -> None:
    done = netmend(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert all(line.startswith(("netmend ", "  ")) for line in done.stderr.splitlines()[1:])


def test_all_verbs_are_there() -> None:
    assert list(build().commands) == list(VERBS)


@pytest.mark.parametrize(
    ("program", "forbidden"),
    [
        # engines run a probe every few seconds on each node
        ("netmend.cli.health", {"netmend.node.node", "rich", "logging", "netmend.kernel.netlink"}),
        ("netmend.cli.status", {"netmend.node.node", "rich", "logging", "netmend.kernel.netlink"}),
        ("netmend.cli.status_text", {"netmend.node.node", "aiohttp", "netmend.kernel.netlink"}),
    ],
)
def test_what_a_verb_does_not_load(program: str, forbidden: set[str]) -> None:
    """Start-up time is mostly that of modules: 0.05 s for rich, 0.25 s for aiohttp."""
    code = f"import sys, netmend.cli.main, {program}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    not_for_any = {"typer", "structlog", "aiohttp", "asyncio", "msgspec", "pydantic", "pydantic_core"}
    assert not_for_any & set(done.stdout.split()) == forbidden & set(done.stdout.split()) == set()


# What a node loads and runs before its first answer: `netmend run` of a file, up to the intent and the first pass.
DATACLASSES_MAX = 16  # of netmend's own
BEFORE_AN_ANSWER = """
import dataclasses, sys
made = []
process = dataclasses._process_class
dataclasses._process_class = lambda kind, *more: (made.append(kind.__module__), process(kind, *more))[1]
import netmend.cli.main, netmend.cli.run
from pathlib import Path
from netmend.node.intake.file import FileSource
assert FileSource(Path(sys.argv[1])).first().networks
print(*sys.modules)
print(*made)
"""


def test_what_a_node_does_not_load_before_its_first_answer(tmp_path: Path) -> None:
    """Its HTTP server is loaded afterwards, pydantic for a file with mistakes; a dataclass costs as much as 30 Structs
    of msgspec: half a millisecond, while its methods are compiled."""
    intent = tmp_path / "intent.yaml"
    intent.write_text("networks: [{name: blue, subnets: [{cidr: 10.0.0.0/24, dynamic: true}]}]")
    done = subprocess.run(
        [sys.executable, "-c", BEFORE_AN_ANSWER, str(intent)], capture_output=True, text=True, check=True, timeout=120
    )
    modules, dataclasses = (line.split() for line in done.stdout.splitlines())
    assert {"netmend.node.node", "netmend.reconcile.reconciler", "netmend.services.dhcp4.io.server"} <= set(modules)
    late = {"typer", "structlog", "aiohttp", "pydantic", "pydantic_core", "rich", "prometheus_client", "dns.message"}
    late |= {"netmend.services.dns.io", "netmend.sources.file.misfits", "netmend.sources.file.substitutes"}
    late |= {"email", "importlib.metadata", "zipfile", "http.client"}
    assert late & set(modules) == set()
    made = [name for name in dataclasses if name.startswith("netmend.")]
    assert len(made) <= DATACLASSES_MAX, made
