"""`netmend import`: an intent file into the store."""

from contextlib import closing
from typing import Annotated

from netmend.cli.command import Option
from netmend.cli.messages import refuse_on, say, say_json
from netmend.cli.options import (
    RUNTIME_DIRECTORY,
    STATE_DIRECTORY,
    Config,
    Json,
    RuntimeDirectory,
    StateDirectory,
)
from netmend.ground.printable import printable_line
from netmend.ground.private_files import make_private_directory
from netmend.node.intake.store import DATABASE
from netmend.node.lock import CannotStart, hold_lock
from netmend.node.settings import Settings
from netmend.sources.file import IntentError
from netmend.sources.store import RefusedError, Store, StoreError
from netmend.sources.store.exchange.adopt import AmbiguousError, adopt
from netmend.sources.store.exchange.change import Change
from netmend.sources.store.exchange.changes import changes_between
from netmend.sources.store.exchange.groups import AmbiguousGroupError, adopt_groups
from netmend.sources.store.exchange.perform import perform, read_all
from netmend.sources.store.exchange.wanted import Wanted, wanted_of
from netmend.sources.store.settings import set_metadata_proxy
from netmend.sources.store.transaction import Transaction


def import_file(
    *,
    config: Config,
    keep: Annotated[
        bool, Option("--keep", help="Leave networks and groups alone that the file does not have; without it they go.")
    ] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Print what would change, and change nothing.")] = False,
    state_dir: StateDirectory = STATE_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    as_json: Json = False,
) -> None:
    """Make the store hold what a file says: all of it, or nothing.

    No node may run meanwhile; while one runs, `netmend apply` does it over the API.

    Exit codes: 0 done; 2 the file or the store cannot be used, or the store refuses something in the file.
    """
    with refuse_on(IntentError, StoreError, RefusedError, CannotStart, AmbiguousError, AmbiguousGroupError):
        wanted = wanted_of(config)
        try:
            make_private_directory(state_dir)
        except OSError as error:
            raise StoreError(f"cannot make {state_dir}: {error.strerror}; run as root, or give --state-dir") from None
        with hold_lock(Settings(runtime=runtime_dir).lock), closing(Store(state_dir / DATABASE)) as store:
            current = read_all(store.read())
            meant = adopt_groups(current, wanted)
            changes = changes_between(current, adopt(current, meant) if keep else meant, prune=not keep)
            if not dry_run:
                store.write(lambda tx: _perform(tx, changes, wanted)).result()
    show_changes(changes, as_json=as_json, dry_run=dry_run)


def show_changes(changes: list[Change], *, as_json: bool, dry_run: bool) -> None:
    """Print what changed, or, with `dry_run`, what would."""
    if as_json:
        found = [
            {"action": change.action, "kind": change.kind, "id": change.id, "name": change.name,
             "fields": sorted(change.body) if change.action == "update" else []}
            for change in changes
        ]  # fmt: skip
        say_json({"dry_run": dry_run, "changes": found})
        return
    for change in changes:
        say(printable_line(str(change)))
    words = {"create": "created", "update": "updated", "delete": "deleted"}
    numbers = {word: sum(change.action == action for change in changes) for action, word in words.items()}
    counts = ", ".join(f"{number} {word}" for word, number in numbers.items() if number)
    would = "would be " if dry_run and counts else ""
    say(f"{would}{counts}" if counts else "nothing to do")


def _perform(tx: Transaction, changes: list[Change], wanted: Wanted) -> None:
    set_metadata_proxy(tx, wanted.metadata_proxy)
    for change in changes:
        try:
            perform(tx, change)
        except RefusedError as error:
            raise RefusedError(error.kind, error.status, f"{change}: {error.message}") from None
