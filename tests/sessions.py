"""Sessions of the documents: typed as they are shown, and what they print compared with what is shown.

Times, versions, ids of processes, of networks and ports, MACs that follow from ids, and numbers of namespaces and peer
groups may differ; `...` stands for any text, `…` for the rest of a line.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.blocks import CHECKOUT, Block, blocks

BIN = Path(sys.executable).parent
# what is another one in each run; a session whose ids follow from names is compared whole
GENERATED = [
    (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\bfa:16:3e(?::[0-9a-f]{2}){3}\b", "MAC"),
    (r"\btap[0-9a-f]{8}-[0-9a-f]{2}\b", "TAP"),
    (r"net:\[\d+\]", "net:[N]"),
    (r"shared:\d+", "shared:N"),
    (r"(?<=-t )\d+|(?<=/proc/)\d+", "PID"),
]


def sessions(document: str, *kinds: str) -> list[Block]:
    """The document's blocks of these kinds (`console` if none is given), in order."""
    return [block for block in blocks() if block.document == document and block.kind in (kinds or ("console",))]


def sessions_of(test: str, document: str) -> list[Block]:
    """The document's blocks that name this test (its `__file__`) as the one that compares them, in order."""
    name = Path(test).relative_to(CHECKOUT)
    return sessions(document, f"console by {name}", f"output by {name}", f"shape by {name}")


def environment() -> dict[str, str]:
    """The environment of a typed command: netmend and the programs of set-up are in PATH."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"], "/usr/sbin", "/sbin"])
    return {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {
        "PATH": path,
        "NETMEND_STATE_DIR": "/run/state",
    }


def run(command: str, directory: Path = CHECKOUT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Type a command line; standard error is in its standard output."""
    return subprocess.run(
        ["bash", "-c", f"{{ {command}\n}} 2>&1"], cwd=directory, stdout=subprocess.PIPE, text=True, check=False,
        stdin=subprocess.DEVNULL, env=environment() | variables, timeout=300,
    )  # fmt: skip


def typed(command: str, directory: Path = CHECKOUT, **variables: str) -> str:
    """Type a command line; returns all that it prints."""
    return run(command, directory, **variables).stdout


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a session, and the output that is shown below it."""
    for part in re.split(r"(?m)^\$ ", block.text.replace("\\\n", " "))[1:]:
        command, _, output = part.partition("\n")
        yield command.partition("  #")[0], output


def normal(text: str, *, generated: bool = False, folded: bool = False) -> str:
    """The text without what differs from run to run: with `generated`, without ids and the like; with `folded`, without
    its line ends, as a terminal folds paragraphs and a pipe does not."""
    text = re.sub(r"\b\d+ (ms|s|min)\b", r"N \1", text)
    text = re.sub(r"started, v[\d.]+", "started, vN", text)
    text = re.sub(r"(udhcpc: broadcasting discover\s)\1+", r"\1", text)  # it asks again where a machine is busy
    text = re.sub(r"^(round .* netmend) +\d+", r"\1 N", text, flags=re.M)  # fewer while it is made anew
    text = re.sub(r"\((\S*/)?udhcpc\)", "(udhcpc)", text)
    for pattern, word in GENERATED if generated else []:
        text = re.sub(pattern, word, text)
    text = re.sub(r"-{4,}", "----", text)  # borders of a table, as wide as what is in it
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    return (" " if folded else "\n").join(lines)


def agrees(shown: str, printed: str, *, generated: bool = False, folded: bool = False) -> bool:
    """Whether what a document shows is what was printed; `normal` has the options."""
    pattern = re.escape(normal(shown, generated=generated, folded=folded))
    pattern = pattern.replace(r"\.\.\.", "(?s:.*)").replace("…", ".*")
    return re.fullmatch(pattern, normal(printed, generated=generated, folded=folded)) is not None


def compare(block: Block, directory: Path = CHECKOUT) -> None:
    """Type each command of a session and fail where its output is another one than the document's."""
    compare_each(block, lambda command: typed(command, directory))


def compare_each(block: Block, type_: Callable[[str], str], *, generated: bool = False) -> None:
    """As `compare`, with the commands typed by the caller, which returns what each prints."""
    for command, shown in commands(block):
        printed = type_(command)
        assert agrees(shown, printed, generated=generated), f"{block}: {command}\n{printed}\ninstead of\n{shown}"
