"""Security groups and address groups between a file and the store: which are meant, and what has to change.

A group of the file that gives no id means the one of its name and project that is there, and one that is named
`default` means its project's default group, whatever its id: there cannot be a second one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from netmend.sources.problem import SourceError
from netmend.sources.store.exchange.change import Body, Change, Current
from netmend.sources.store.exchange.wanted import Wanted
from netmend.sources.store.rule_keys import key_of
from netmend.sources.store.security_groups import DEFAULT
from netmend.sources.store.transaction import Document

_NEW = [  # the rules of a group that was just made
    {
        "direction": "egress", "ethertype": version, "protocol": None, "port_range_min": None, "port_range_max": None,
        "remote_ip_prefix": None, "remote_group_id": None, "remote_address_group_id": None,
    }
    for version in ("IPv4", "IPv6")
]  # fmt: skip


class AmbiguousGroupError(SourceError):
    """The file cannot be applied as it stands; the message says to which groups that is owed, and what to do."""


def adopt_groups(current: Current, wanted: Wanted) -> Wanted:
    """`wanted` with the ids of the groups that are meant. Raises AmbiguousGroupError."""
    ids = {
        **_meant("security groups", wanted.security_groups, current.security_groups, wanted.said),
        **_meant("address groups", wanted.address_groups, current.address_groups, wanted.said),
    }
    if not ids:
        return wanted
    groups = {}
    for key, body in wanted.security_groups.items():
        rules = [
            {
                **rule,
                **{name: ids.get(rule[name], rule[name]) for name in ("remote_group_id", "remote_address_group_id")},
            }
            for rule in body["security_group_rules"]
        ]
        groups[ids.get(key, key)] = {**body, "id": ids.get(key, key), "security_group_rules": rules}
    addresses = {ids.get(key, key): {**body, "id": ids.get(key, key)} for key, body in wanted.address_groups.items()}
    ports = {
        key: {**body, "security_groups": [ids.get(each, each) for each in body["security_groups"]]}
        if body.get("security_groups")
        else body
        for key, body in wanted.ports.items()
    }
    return replace(wanted, security_groups=groups, address_groups=addresses, ports=ports)


def default_projects(wanted: Wanted) -> set[str]:
    """The projects whose default groups the file says something of."""
    return {body["project_id"] for body in wanted.security_groups.values() if body["name"] == DEFAULT}


def group_changes(current: Current, wanted: Wanted) -> list[Change]:
    """What makes the groups what is wanted, before any port names them."""
    changes, rules = [], []
    for key, body in wanted.address_groups.items():
        there = current.address_groups.get(key)
        if there is None:
            changes.append(Change("create", "address_group", key, body["name"], body))
            continue
        fields: Body = {} if there["name"] == body["name"] else {"name": body["name"]}
        if set(there["addresses"]) != set(body["addresses"]):
            fields["addresses"] = body["addresses"]
        if fields:
            changes.append(Change("update", "address_group", key, body["name"], fields))
    for key, body in wanted.security_groups.items():
        there = current.security_groups.get(key)
        wanted_rules = body["security_group_rules"]
        if there is None:
            new = {name: value for name, value in body.items() if name != "security_group_rules"}
            changes.append(Change("create", "security_group", key, body["name"], new))
            present: Sequence[Body] = [] if body["name"] == DEFAULT else _NEW
            fields = {}
        else:
            kept = ("name", "stateful") if there["name"] != DEFAULT else ("stateful",)
            fields = {name: body[name] for name in kept if body[name] != there[name]}
            present = there["security_group_rules"]
        if {key_of(rule) for rule in present} != {key_of(rule) for rule in wanted_rules}:
            fields["security_group_rules"] = wanted_rules
        if fields:
            rules.append(Change("update", "security_group", key, body["name"], fields))
    return changes + rules  # a rule may name any of the groups


def deletions_of_groups(current: Current, wanted: Wanted) -> list[Change]:
    """The groups that nobody wants, once no port is in them; a project's default group stays."""
    gone = [
        Change("delete", "security_group", key, group["name"])
        for key, group in current.security_groups.items()
        if key not in wanted.security_groups and group["name"] != DEFAULT
    ]
    return gone + [
        Change("delete", "address_group", key, group["name"])
        for key, group in current.address_groups.items()
        if key not in wanted.address_groups
    ]


def rules_to_change(present: Iterable[Document], wanted: Iterable[Body]) -> tuple[list[Body], list[str]]:
    """The rules that have to come, and the ids of those that have to go."""
    by_key = {key_of(rule): rule for rule in present}
    wanted_by_key = {key_of(rule): rule for rule in wanted}
    return (
        [rule for key, rule in wanted_by_key.items() if key not in by_key],
        [rule["id"] for key, rule in by_key.items() if key not in wanted_by_key],
    )


def addresses_to_change(present: Iterable[str], wanted: Iterable[str]) -> tuple[list[str], list[str]]:
    """The addresses that have to come, and those that have to go."""
    there, then = set(present), set(wanted)
    return sorted(then - there), sorted(there - then)


def _meant(
    what: str, bodies: Mapping[str, Body], current: Mapping[str, Document], said: Mapping[str, frozenset[str]]
) -> dict[str, str]:
    """By the id that the file gives a group: that of the group that is meant, where it is another."""
    found = {}
    for key, body in bodies.items():
        if key in current or ("id" in said[key] and body["name"] != DEFAULT):
            continue
        alike = [
            group_id
            for group_id, group in current.items()
            if group["name"] == body["name"] and group_id not in bodies
            and (body["project_id"] == group["project_id"] or (not body["project_id"] and body["name"] != DEFAULT))
        ]  # fmt: skip
        if len(alike) > 1:
            ids = ", ".join(sorted(alike))
            raise AmbiguousGroupError(
                f"{len(alike)} {what} have the name {body['name']} ({ids}); say which by `id:` in the file"
            )
        if alike:
            found[key] = alike[0]
    return found
