"""These tests need OpenStack's clients beside Debian's."""

import pytest
from tests.peers.api.store_node import CLIENTS


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if not (CLIENTS.parent / "set-up").exists():
        pytest.fail("OpenStack's clients are not there; run tools/setup-clients", pytrace=False)
