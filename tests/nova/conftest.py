"""Every test of this folder runs in a sandbox of its own, with a real node, and Nova or cloudbase-init."""

from pathlib import Path

import pytest
from tests.sandboxed import call_in_sandbox

NOVA = Path(__file__).parents[2] / ".tools" / "nova"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    if not (NOVA / "releases").exists():
        pytest.fail("not there: Nova and cloudbase-init; run tools/nova", pytrace=False)
    call_in_sandbox(pyfuncitem)
    return True
