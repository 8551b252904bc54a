"""docs/dns.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]
FOLDERS = {"": "tests/unit/services/dns", "kernel ": "tests/kernel/dns"}


def test_every_test_that_the_tables_name_exists() -> None:
    named = re.findall(r"(kernel )?`(\w+)::(\w+)`", (ROOT / "docs" / "dns.md").read_text())
    assert len(named) > 50
    missing = [
        f"{folder}{file}::{name}"
        for folder, file, name in named
        if not re.search(rf"(class|def) {name}\b", (ROOT / FOLDERS[folder] / f"test_{file}.py").read_text())
    ]
    assert missing == []
