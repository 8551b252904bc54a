"""Every test of this folder runs in a sandbox of its own, with a real node and clients that nobody here wrote."""

import shutil

import pytest
from tests.sandboxed import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]

PROGRAMS = ("udhcpc", "dhclient", "dhcpcd", "busybox")


def pytest_runtest_setup() -> None:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.fail(f"not there: {', '.join(missing)}; run tools/setup-programs udhcpc clients peers", pytrace=False)
