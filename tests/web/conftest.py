"""Every test of this folder runs in a sandbox of its own."""

import pytest
from tests.sandboxed import call_in_sandbox


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    call_in_sandbox(pyfuncitem)
    return True
