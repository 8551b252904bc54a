"""The security groups that a port is in. What is refused, and in which words, is Neutron's."""

from typing import Any

from netmend.sources.store.errors import RefusedError, invalid, not_found
from netmend.sources.store.filtering import FILTERED, is_exempt, is_trusted
from netmend.sources.store.security_groups import default_group
from netmend.sources.store.transaction import Document, Transaction


def choose(tx: Transaction, port: Document, asked: list[str] | None) -> None:
    """Give a new port the groups it is `asked` to have or, where nothing was said (None), its project's default group.
    Raises RefusedError."""
    if not port["port_security_enabled"]:
        if asked:
            raise _needs_port_security()
    elif is_exempt(port):
        if asked:
            raise _not_filtered()
    elif not is_trusted(port):
        port["security_groups"] = [default_group(tx, port["project_id"])] if asked is None else _checked(tx, asked)


def change(tx: Transaction, port: Document, values: dict[str, Any]) -> None:
    """See that the groups of a port that is updated by `values`, which are in `port` already, go with the rest of it. A
    port that is given groups is filtered from then on. Raises RefusedError."""
    asked = values.get("security_groups")
    if asked is not None and FILTERED not in values.get("netmend", {}):
        port["netmend"] = {name: value for name, value in port["netmend"].items() if name != FILTERED}
    if not port["port_security_enabled"]:
        if asked:
            raise _needs_port_security()
        if port["security_groups"]:
            message = (
                "Port has security group associated. Cannot disable port security or IP address until security group "
                "is removed."
            )
            raise RefusedError("PortSecurityPortHasSecurityGroup", 409, message)
    elif is_exempt(port):
        if asked:
            raise _not_filtered()
        port["security_groups"] = []
    elif is_trusted(port):
        port["security_groups"] = []
    elif asked:
        port["security_groups"] = _checked(tx, asked)


def write(tx: Transaction, port: Document, before: list[str]) -> None:
    """Store in which groups the port is, that was in those of `before`."""
    after = port["security_groups"]
    if after == before:
        return
    if before:
        tx.connection.execute("DELETE FROM membership WHERE port_id = ?", (port["id"],))
    rows = [(group_id, port["id"]) for group_id in after]
    tx.connection.executemany("INSERT INTO membership VALUES (?, ?)", rows)


def _checked(tx: Transaction, asked: list[str]) -> list[str]:
    groups = {group_id: tx.find("security_group", group_id) for group_id in asked}
    absent = [group_id for group_id, group in groups.items() if group is None]
    if absent:
        raise not_found("security_group", ", ".join(absent))
    if len({group["stateful"] for group in groups.values() if group is not None}) > 1:
        message = (
            "Error Cannot apply both stateful and stateless security groups on the same port at the same time while "
            "attempting the operation."
        )
        raise RefusedError("SecurityGroupConflict", 409, message)
    return list(groups)


def _needs_port_security() -> RefusedError:
    message = "Port security must be enabled and port must have an IP address in order to use security groups."
    return RefusedError("PortSecurityAndIPRequiredForSecurityGroups", 400, message)


def _not_filtered() -> RefusedError:
    return invalid("security_groups: netmend.filtered is false, so no rule of a group would be asked")
