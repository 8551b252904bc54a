"""`netmend apply`: an intent file, declared over the API."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from netmend.cli.api_client import ApiClient, ApiError
from netmend.cli.command import Option
from netmend.cli.import_file import show_changes
from netmend.cli.messages import refuse_on
from netmend.cli.options import RUNTIME_DIRECTORY, Json, RuntimeDirectory
from netmend.sources.file import IntentError
from netmend.sources.store.exchange.adopt import AmbiguousError, adopt
from netmend.sources.store.exchange.change import Change, Current, Kind
from netmend.sources.store.exchange.changes import changes_between, is_own
from netmend.sources.store.exchange.groups import (
    AmbiguousGroupError,
    addresses_to_change,
    adopt_groups,
    default_projects,
    rules_to_change,
)
from netmend.sources.store.exchange.wanted import Wanted, wanted_of

_GROUP_SIZE = 500  # objects in one request
_PATHS: dict[Kind, str] = {
    "network": "/v2.0/networks",
    "subnet": "/v2.0/subnets",
    "port": "/v2.0/ports",
    "security_group": "/v2.0/security-groups",
    "address_group": "/v2.0/address-groups",
}


def apply(
    *,
    file: Annotated[Path, Option("--file", "-f", metavar="FILE", help="The intent file (YAML or JSON).")],
    prune: Annotated[bool, Option("--prune", help="Delete networks and groups that the file does not have.")] = False,
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
    others are deleted. Networks, security groups and address groups that FILE does not have stay, unless --prune is
    given. A group that FILE gives no id is the one of its name that is there.

    Where FILE gives a network no id, and others made one of its name, that one is meant: what FILE does not say of it
    stays as it is, and nothing of it is deleted.

    Exit codes: 0 the networks are as FILE says; 2 they are not, and the message says why, and how many changes were
    made before.
    """
    with refuse_on(IntentError, ApiError, AmbiguousError, AmbiguousGroupError):
        wanted = wanted_of(file)
        client = ApiClient(api or runtime_dir / "api.sock", _token(token_file))
        current = _current(client, wanted)
        changes = changes_between(current, adopt(current, adopt_groups(current, wanted)), prune=prune)
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


def _current(client: ApiClient, wanted: Wanted) -> Current:
    for project in default_projects(wanted):  # the API makes it where it is not there yet
        client.ask("GET", f"{_PATHS['security_group']}?{urlencode({'project_id': project, 'fields': 'id'})}")
    networks, subnets, ports, groups, address_groups = (
        {document["id"]: document for document in client.list(plural)}
        for plural in ("networks", "subnets", "ports", "security_groups", "address_groups")
    )
    guests = {key: port for key, port in ports.items() if not is_own(port)}
    return Current(networks, subnets, guests, groups, address_groups)


def _perform(client: ApiClient, changes: Sequence[Change]) -> None:
    done = 0
    try:
        for group in _groups(changes):
            change = group[0]
            path = _PATHS[change.kind]
            match change.action:
                case "create":
                    client.ask("POST", path, {f"{change.kind}s": [one.body for one in group]})
                case "update":
                    _update(client, change)
                case "delete":
                    client.ask("DELETE", f"{path}/{change.id}")
            done += len(group)
    except ApiError as error:
        what = f"{len(group)} {change.kind}s" if len(group) > 1 else str(change)
        raise ApiError(f"{what}: {error} ({done} of {len(changes)} changes were made before)") from None


def _update(client: ApiClient, change: Change) -> None:
    """Raises ApiError."""
    path, fields = f"{_PATHS[change.kind]}/{change.id}", dict(change.body)
    rules, addresses = fields.pop("security_group_rules", None), fields.pop("addresses", None)
    if fields:
        client.ask("PUT", path, {change.kind: fields})
    if rules is not None:
        group = client.ask("GET", path)["security_group"]
        come, gone = rules_to_change(group["security_group_rules"], rules)
        for rule_id in gone:
            client.ask("DELETE", f"/v2.0/security-group-rules/{rule_id}")
        bodies = [{**body, "security_group_id": change.id, "project_id": group["project_id"]} for body in come]
        if bodies:
            client.ask("POST", "/v2.0/security-group-rules", {"security_group_rules": bodies})
    if addresses is not None:
        more, less = addresses_to_change(client.ask("GET", path)["address_group"]["addresses"], addresses)
        if less:
            client.ask("PUT", f"{path}/remove_addresses", {"addresses": less})
        if more:
            client.ask("PUT", f"{path}/add_addresses", {"addresses": more})


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
