"""`netmend apply`: an intent file, declared over the API."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from netmend.cli.api_client import ApiClient, ApiError
from netmend.cli.import_file import show_changes
from netmend.cli.options import RUNTIME_DIRECTORY, Json, RuntimeDirectory, sentences
from netmend.sources.file import IntentError
from netmend.sources.store.exchange.changes import Change, Current, changes_between, is_own
from netmend.sources.store.exchange.wanted import wanted_of

_TOGETHER = 500  # objects in one request


def apply(
    *,
    file: Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="The intent file (YAML or JSON).")],
    prune: Annotated[bool, typer.Option("--prune", help="Delete networks that the file does not have.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")] = False,
    api: Annotated[
        str | None, typer.Option(metavar="URL", help="The API's address; without it, the node's own socket.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the token, in its first line; or set NETMEND_TOKEN.")
    ] = None,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    as_json: Json = False,
) -> None:
    """Make the networks of FILE what it says they are, and print what changed; what is right already is left alone.

    A network of the file is as the file says, wholly: its other subnets and ports go. Networks that the file does not
    have stay, unless --prune is given. Exit code 0: it is so now; 2: it is not, with the reason, and how much had been
    changed by then.
    """
    with sentences(IntentError, ApiError):
        wanted = wanted_of(file)
        client = ApiClient(api or runtime_dir / "api.sock", _token(token_file))
        changes = changes_between(_current(client), wanted, prune=prune)
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
    """Creations of one kind in groups, all else one by one, in order."""
    group: list[Change] = []
    for change in changes:
        if group and (change.action != "create" or change.kind != group[0].kind or len(group) == _TOGETHER):
            yield group
            group = []
        group.append(change)
        if change.action != "create":
            yield group
            group = []
    if group:
        yield group
