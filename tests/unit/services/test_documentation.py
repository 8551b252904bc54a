"""docs/dhcp4.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_test_that_the_table_names_exists() -> None:
    named = re.findall(r"`(\w+)::(\w+)`", (ROOT / "docs" / "dhcp4.md").read_text())
    assert len(named) > 30
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(
            rf"(class|def) {name}\b|^{name}\b", (Path(__file__).parent / f"test_{file}.py").read_text(), re.M
        )
    ]
    assert missing == []
