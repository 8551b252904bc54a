"""docs/dhcp4.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]


TESTS = ROOT / "tests" / "unit" / "services"


def _source(name: str) -> str:
    """The text of the test file of this name: DHCPv4's own, or one that it shares."""
    folders = ("dhcp4", "dhcp4/io", "leases", "leases/io", "shared")
    return "".join(path.read_text() for folder in folders for path in (TESTS / folder).glob(f"test_{name}.py"))


def test_every_test_that_the_table_names_exists() -> None:
    named = re.findall(r"`(\w+)::(\w+)`", (ROOT / "docs" / "dhcp4.md").read_text())
    assert len(named) > 30
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(rf"(class|def) {name}\b|^{name}\b", _source(file), re.M)
    ]
    assert missing == []
