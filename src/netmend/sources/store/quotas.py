"""Quotas: how many of each resource a project may have; -1, the default, is no limit."""

from netmend.sources.store.errors import over_quota
from netmend.sources.store.transaction import Transaction

RESOURCES = ("network", "subnet", "port", "router", "floatingip", "security_group", "security_group_rule")
DEFAULT = -1


def quotas_of(connection_rows: list[tuple[str, int]]) -> dict[str, int]:
    """All resources with their limits, from the rows of one project."""
    return {**dict.fromkeys(RESOURCES, DEFAULT), **dict(connection_rows)}


def check_quota(tx: Transaction, resource: str, project: str, count: int = 1) -> None:
    """Raise RefusedError unless `count` more may be made. Counts only where there is a limit."""
    query = "SELECT quota FROM quota WHERE project_id = ? AND resource = ?"
    found = tx.connection.execute(query, (project, resource)).fetchone()
    if found is None or found[0] < 0:
        return
    used = tx.connection.execute(f"SELECT count(*) FROM {resource} WHERE project_id = ?", (project,)).fetchone()[0]
    if used + count > found[0]:
        raise over_quota(resource)


def set_quotas(tx: Transaction, project: str, values: dict[str, int]) -> None:
    rows = [(project, resource, limit) for resource, limit in values.items()]
    tx.connection.executemany("REPLACE INTO quota VALUES (?, ?, ?)", rows)
    tx.changed["quota", project] = dict(values)


def reset_quotas(tx: Transaction, project: str) -> None:
    tx.connection.execute("DELETE FROM quota WHERE project_id = ?", (project,))
    tx.changed["quota", project] = None
