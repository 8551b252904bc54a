"""`netmend apply`: an intent file, declared over the API."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from netmend.cli.api_client import ApiClient, ApiError
from netmend.cli.command import Option
from netmend.cli.import_file import show_changes
from netmend.cli.messages import refuse_on
from netmend.cli.options import RUNTIME_DIRECTORY, Json, RuntimeDirectory
from netmend.sources.file import IntentError
from netmend.sources.store.exchange.adopt import AmbiguousError, adopt
from netmend.sources.store.exchange.changes import Change, Current, changes_between, is_own
from netmend.sources.store.exchange.wanted import wanted_of

_GROUP_SIZE = 500  # objects in one request


def apply(
    *,
    file: Annotated[Path, Option("--file", "-f", metavar="FILE", help="The intent file (YAML or JSON).")],
    prune: Annotated[bool, Option("--prune", help="Delete networks that the file does not have.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Print what would change, and change nothing.")] = False,
    api: Annotated[
        str | None, Option(metavar="URL", help="The API's address; without it, the node's own socket.")
    ] = None,
    token_file: Annotated[
        Path | None, Option(metavar="FILE", help="Holds the token, in its first line; or set NETMEND_TOKEN.")
    ] = None,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    as_json: Json = False,
) -> None:
    """Make the store's networks what a file says, over the API.

    What is right already is left alone. A network of FILE gets exactly the subnets and ports that FILE gives it: its
    others are deleted. Networks that FILE does not have stay, unless --prune is given.

    Where FILE gives a network no id, and others made one of its name, that one is meant: what FILE does not say of it
    stays as it is, and nothing of it is deleted.

    Exit codes: 0 the networks are as FILE says; 2 they are not, and the message says why, and how many changes were
    made before.
    """
    with refuse_on(IntentError, ApiError, AmbiguousError):
        wanted = wanted_of(file)
        client = ApiClient(api or runtime_dir / "api.sock", _token(token_file))
        current = _current(client)
        changes = changes_between(current, adopt(current, wanted), prune=prune)
        if not dry_run:
            _perform(client, changes)
    show_changes(changes, as_json=as_json, dry_run=dry_run)


def _token(path: Path | None) -> str | None:
    if path is None:
        return os.environ.get("NETMEND_TOKEN")
    try:
        words = path.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise ApiError(f"{path}: cannot be read: {error}") from None
    if not words:
        raise ApiError(f"{path}: holds no token")
    return words[0]


def _current(client: ApiClient) -> Current:
    networks, subnets, ports = (
        {document["id"]: document for document in client.list(plural)} for plural in ("networks", "subnets", "ports")
    )
    return Current(networks, subnets, {key: port for key, port in ports.items() if not is_own(port)})


def _perform(client: ApiClient, changes: Sequence[Change]) -> None:
    done = 0
    try:
        for group in _groups(changes):
            change = group[0]
            path = f"/v2.0/{change.kind}s"
            match change.action:
                case "create":
                    client.ask("POST", path, {f"{change.kind}s": [one.body for one in group]})
                case "update":
                    client.ask("PUT", f"{path}/{change.id}", {change.kind: change.body})
                case "delete":
                    client.ask("DELETE", f"{path}/{change.id}")
            done += len(group)
    except ApiError as error:
        what = f"{len(group)} {change.kind}s" if len(group) > 1 else str(change)
        raise ApiError(f"{what}: {error} ({done} of {len(changes)} changes were made before)") from None


def _groups(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Group creations of one kind that follow each other; all other changes come alone. The order is kept."""
    group: list[Change] = []
    for change in changes:
        if group and (change.action != "create" or change.kind != group[0].kind or len(group) == _GROUP_SIZE):
            yield group
            group = []
        group.append(change)
        if change.action != "create":
            yield group
            group = []
    if group:
        yield group
