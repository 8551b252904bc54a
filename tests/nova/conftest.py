"""Every test of this folder runs in a sandbox of its own, with a real node, and Nova or cloudbase-init."""

from pathlib import Path

import pytest
from tests.sandboxed import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]

NOVA = Path(__file__).parents[2] / ".tools" / "nova"


def pytest_runtest_setup() -> None:
    if not (NOVA / "releases").exists():
        pytest.fail("not there: Nova and cloudbase-init; run tools/nova", pytrace=False)
