"""Documents name tests and files that exist."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
NAMED = re.compile(r"`(\w+)::(\w+)`")
DOCUMENTS = [
    CHECKOUT / "README.md",
    *sorted(path for path in (CHECKOUT / "docs").rglob("*.md")),
    CHECKOUT / "benchmarks" / "RESULTS.md",
    CHECKOUT / "tests" / "README.md",
    CHECKOUT / "tools" / "README.md",
]
WITH_TABLES_OF_TESTS = {"dhcp4.md": 30, "dhcp6.md": 30, "dns.md": 50, "metadata.md": 30}


def test_a_table_of_tests_is_found_in_each_protocol_document() -> None:
    found = {path.name: len(NAMED.findall(path.read_text())) for path in DOCUMENTS if path.name in WITH_TABLES_OF_TESTS}
    assert {name: least for name, least in WITH_TABLES_OF_TESTS.items() if found[name] <= least} == {}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_test_and_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    sources = {path: path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py")}
    missing = [
        f"{file}::{name}"
        for file, name in NAMED.findall(text)
        if not any(
            path.name == f"test_{file}.py" and re.search(rf"(class|def) {name}\b|^{name}\b", source, re.M)
            for path, source in sources.items()
        )
    ]
    named = re.findall(r"`((?:tests|tools|src|benchmarks|docs|examples)/[\w/.-]+)`", text)
    missing += [name for name in named if not re.search("NAME|ROOM", name) and not (CHECKOUT / name).exists()]
    assert missing == []
