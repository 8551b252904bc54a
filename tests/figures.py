"""Figures of docs/install.md, from tests: printed, and kept where NETMEND_FIGURES says (`make bench-install`)."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


def note(way: str, what: str, figures: Mapping[str, object]) -> None:
    """Keep the figures of a way to install (`package`), and what was done (`upgrade`)."""
    print(f"{way}, {what}: {figures}")
    if not (place := os.environ.get("NETMEND_FIGURES")):
        return
    path = Path(place)
    known = json.loads(path.read_text()) if path.exists() else {}
    known.setdefault(way, {})[what] = figures
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
