"""The manual page says what --help says."""

import subprocess
import sys
from pathlib import Path

from netmend.cli.main import VERBS

CHECKOUT = Path(__file__).parents[3]


def test_the_page_is_up_to_date() -> None:
    made = subprocess.run(
        [sys.executable, str(CHECKOUT / "tools" / "man-page")], capture_output=True, text=True, check=True, timeout=120
    )
    page = (CHECKOUT / "docs" / "netmend.1").read_text()
    assert made.stdout == page, "write it anew: make man"
    assert page.count(".SS ") == len(VERBS) + 8  # and the verbs of lab and flows
