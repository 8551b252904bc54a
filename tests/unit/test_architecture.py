"""docs/architecture.md says what is so: rooms, imports, files, threads, the size of its glossary."""

import configparser
import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
SOURCE = CHECKOUT / "src" / "netmend"
TEXT = (CHECKOUT / "docs" / "architecture.md").read_text()
ROOMS = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    return [line.strip("|").split(" | ") for line in section(title).splitlines() if line.startswith("| ")][1:]


def test_every_room_is_in_the_table_and_may_import_what_the_linter_allows() -> None:
    table = {row[0].strip(" `/"): row[2] for row in rows("Rooms")}
    assert set(table) == ROOMS
    linter = configparser.ConfigParser()
    linter.read(CHECKOUT / ".importlinter")
    seen = set()
    for name in linter.sections():
        contract = linter[name]
        if contract.get("type") != "forbidden" or "allow_indirect_imports" not in contract:
            continue
        forbidden = {module.rpartition(".")[2] for module in contract["forbidden_modules"].split()}
        for room in (module.rpartition(".")[2] for module in contract["source_modules"].split()):
            if room in {"node", "lab"}:  # in words
                continue
            seen.add(room)
            said = table[room].partition(";")[0]
            assert set(re.findall(r"`(\w+)`", said)) == ROOMS - forbidden - {room}, room
    assert seen == ROOMS - {"node", "lab", "cli"}


def test_every_file_that_an_event_passes_exists() -> None:
    named = re.findall(r"`([\w/]+(?:\.py|/))`", section("The way of each event"))
    assert len(named) > 60
    assert [name for name in named if not (SOURCE / name).exists()] == []


def test_every_thread_of_the_code_is_in_the_table() -> None:
    code = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    called = r'(?:name=f?|Executor\([^,]+, |Loop\(|LoopThread\(|__init__\()"(netmend-[\w-]+)'
    made = {name for name in re.findall(called, code) if not name.startswith("netmend-demo")}
    said = {name for row in rows("Threads of a node") for name in re.findall(r"`(netmend-[\w-]+)", row[0])}
    begun = {name for name in made if name.endswith("-")}  # the rest of such a name is a value
    unknown = {name for name in said - made if not name.startswith(tuple(begun))}
    missing = {name for name in made - said if not any(other.startswith(name) for other in said)}
    assert (unknown, missing) == (set(), set())


def test_the_glossary_is_short() -> None:
    assert 15 <= len(rows("Glossary")) <= 25


def test_every_invariant_that_the_code_cites_is_there() -> None:
    numbered = re.findall(r"^- \*\*I(\d+) ", TEXT, re.M)
    assert numbered == [str(number) for number in range(1, 13)]
    cited = {
        number
        for path in [*SOURCE.rglob("*.py"), *(CHECKOUT / "tests").rglob("*.py")]
        for words in re.findall(r"invariants? ((?:I\d+(?:, | and )?)+)", path.read_text())
        for number in re.findall(r"I(\d+)", words)
    }
    assert cited <= set(numbered)
