"""Every test of this folder runs in a sandbox of its own, with a real node and a machine that boots from it."""

import os
import shutil

import pytest
from tests.sandboxed import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]

PROGRAMS = ("busybox", "dnsmasq", "qemu-system-x86_64")


def pytest_runtest_setup() -> None:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.fail(f"not there: {', '.join(missing)}; run tools/setup-programs udhcpc peers boot", pytrace=False)
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        pytest.skip(f"/dev/net/tun cannot be opened: {error.strerror}")
