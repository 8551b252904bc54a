from collections.abc import Iterator
from pathlib import Path

import pytest

from netmend.sources.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.sqlite")
    yield opened
    opened.close()
