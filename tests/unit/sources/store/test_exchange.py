"""Intent file to store and back: the same intent, whatever the file says; and any file can follow any other."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from tests.unit.sources.file.test_load_any_file import files, load_any

from netmend.intent import Intent
from netmend.sources.file import IntentError, load
from netmend.sources.store import Store
from netmend.sources.store.exchange.changes import changes_between
from netmend.sources.store.exchange.export import export
from netmend.sources.store.exchange.perform import perform, read_all
from netmend.sources.store.exchange.wanted import wanted_of
from netmend.sources.store.settings import set_metadata_proxy
from netmend.sources.store.transaction import Transaction

REFERENCE = Path(__file__).parents[4] / "examples/reference.yaml"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exchange")


def import_file(store: Store, path: Path) -> int:
    """Make the store hold what the file says; how many changes that took."""
    wanted = wanted_of(path)
    changes = changes_between(read_all(store.read()), wanted, prune=True)

    def work(tx: Transaction) -> None:
        set_metadata_proxy(tx, wanted.metadata_proxy)
        for change in changes:
            perform(tx, change)

    store.write(work).result()
    return len(changes)


def check_round_trip(store: Store, path: Path, intent: Intent) -> None:
    import_file(store, path)
    assert store.intent == intent
    assert import_file(store, path) == 0
    out = path.with_name("out.yaml")
    exported = export(store.read())
    assert not exported.left_out
    out.write_text(exported.text())
    assert load(out) == intent
    assert import_file(store, out) == 0


def test_the_reference_file_comes_back_as_it_was(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    before, routers, after = REFERENCE.read_text().partition("# Routers")
    path.write_text(before + routers + after)
    with pytest.raises(IntentError, match="routers: are not taken from a file into the store"):
        import_file(store, path)
    path.write_text(before + after[after.index("# Security groups say") :])
    check_round_trip(store, path, load(path))


@settings(deadline=None)
@given(st.lists(files, min_size=1, max_size=3))
def test_any_file_follows_any_other(directory: Path, roots: list[dict[str, Any]]) -> None:
    intents = [(root, load_any(directory, json.dumps(root).encode())) for root in roots]
    good = [(root, intent) for root, intent in intents if intent is not None]
    event(f"{len(good)} good files")
    assume(good)
    for left in directory.glob("store.sqlite*"):
        left.unlink()
    store = Store(directory / "store.sqlite")
    try:
        for root, intent in good:
            path = directory / "in.json"
            path.write_text(json.dumps(root))
            check_round_trip(store, path, intent)
        reopened = Store(directory / "store.sqlite")
        try:
            assert reopened.intent == store.intent
        finally:
            reopened.close()
    finally:
        store.close()
