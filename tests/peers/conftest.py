"""Every test of this folder runs in a sandbox of its own, with a real node and clients that nobody here wrote."""

import shutil

import pytest
from tests.sandboxed import call_in_sandbox

PROGRAMS = ("udhcpc", "dhclient", "dhcpcd", "busybox")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.fail(f"not there: {', '.join(missing)}; run tools/setup-programs udhcpc clients peers", pytrace=False)
    call_in_sandbox(pyfuncitem)
    return True
