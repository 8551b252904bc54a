"""Finding objects: filters, order and pages as Neutron's API has them, as SQL.

Values of one filter are alternatives, filters add up. Pages are cut by key, not by number, so a page costs the same
wherever it is, and an object that comes or goes meanwhile shifts nothing.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from netmend.sources.store.errors import bad_request, invalid, not_found
from netmend.sources.store.transaction import Document, read

_TEXT, _BOOLEAN, _INTEGER = "text", "boolean", "integer"
_TRUE, _FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")
_COLUMNS = {
    "network": {"id", "name", "project_id"},
    "subnet": {"id", "name", "project_id", "network_id"},
    "port": {"id", "name", "project_id", "network_id", "device_id"},
    "agent": {"id", "host"},
    "router": {"id", "name", "project_id"},
    "floatingip": {"id", "project_id", "port_id", "router_id", "fixed_ip_address"},
    "security_group": {"id", "name", "project_id"},
    "security_group_rule": {"id", "project_id", "security_group_id", "remote_group_id", "remote_address_group_id"},
    "address_group": {"id", "name", "project_id"},
}
_COMMON = {
    **dict.fromkeys(("id", "name", "description", "project_id", "tenant_id", "created_at", "updated_at"), _TEXT),
    "revision_number": _INTEGER,
}
FIELDS: dict[str, dict[str, str]] = {  # what can be filtered and sorted by, with what it is compared as
    "network": _COMMON
    | dict.fromkeys(("status", "dns_domain", "provider:network_type", "provider:physical_network"), _TEXT)
    | dict.fromkeys(("admin_state_up", "shared", "router:external", "port_security_enabled"), _BOOLEAN)
    | {"mtu": _INTEGER, "provider:segmentation_id": _INTEGER},
    "subnet": _COMMON
    | dict.fromkeys(
        ("network_id", "cidr", "gateway_ip", "ipv6_ra_mode", "ipv6_address_mode", "subnetpool_id"), _TEXT
    )
    | {"enable_dhcp": _BOOLEAN, "router:external": _BOOLEAN, "ip_version": _INTEGER},
    "port": _COMMON
    | dict.fromkeys(
        ("network_id", "mac_address", "device_id", "device_owner", "dns_name", "binding:host_id", "binding:vnic_type"),
        _TEXT,
    )
    | {"admin_state_up": _BOOLEAN, "port_security_enabled": _BOOLEAN},
    "router": _COMMON | {"status": _TEXT} | dict.fromkeys(("admin_state_up", "distributed", "ha"), _BOOLEAN),
    "floatingip": _COMMON
    | dict.fromkeys(
        ("floating_network_id", "floating_ip_address", "fixed_ip_address", "port_id", "router_id", "status"), _TEXT
    ),
    "security_group": _COMMON | dict.fromkeys(("stateful", "shared"), _BOOLEAN),
    "security_group_rule": {name: compared for name, compared in _COMMON.items() if name != "name"}
    | dict.fromkeys(
        ("security_group_id", "remote_group_id", "remote_address_group_id", "direction", "ethertype", "protocol",
         "remote_ip_prefix", "normalized_cidr"),
        _TEXT,
    )
    | {"port_range_min": _INTEGER, "port_range_max": _INTEGER, "belongs_to_default_sg": _BOOLEAN},
    "address_group": _COMMON,
    "agent": dict.fromkeys(("id", "host", "agent_type", "binary", "topic", "description"), _TEXT)
    | {"admin_state_up": _BOOLEAN},
}  # fmt: skip
SPECIAL: dict[str, tuple[str, ...]] = {  # what can be filtered by beside them
    "network": ("tags", "tags-any", "not-tags", "not-tags-any", "changed_since", "subnets"),
    "subnet": ("tags", "tags-any", "not-tags", "not-tags-any", "changed_since", "shared"),
    "port": ("tags", "tags-any", "not-tags", "not-tags-any", "changed_since", "fixed_ips", "status", "security_groups"),
    "agent": ("alive",),
    "router": ("tags", "tags-any", "not-tags", "not-tags-any", "changed_since"),
    "security_group": ("tags", "tags-any", "not-tags", "not-tags-any", "changed_since"),
    "security_group_rule": ("changed_since",),
    "address_group": ("changed_since",),
    "floatingip": ("tags", "tags-any", "not-tags", "not-tags-any", "changed_since"),
}


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What to list. `sort` is keys with whether each falls; `limit` 0: all."""

    kind: str
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sort: Sequence[tuple[str, bool]] = ()
    limit: int = 0
    marker: str | None = None
    reverse: bool = False  # the page before the marker


@dataclass(frozen=True, slots=True)
class Served:
    """The networks that the node `host` answers, by id."""

    host: str = ""
    networks: Collection[str] = ()


def find(connection: sqlite3.Connection, query: ListQuery, served: Callable[[], Served] = Served) -> list[Document]:
    """The objects that `query` asks for, in its order. Raises RefusedError.

    `served` says which networks are answered and where: their ports' status is ACTIVE.
    """
    where, values = ["1"], list[object]()
    for name, alternatives in query.filters.items():
        condition, more = _condition(query.kind, name, alternatives, served)
        where.append(condition)
        values += more
    sort = [(name, falls != query.reverse) for name, falls in query.sort]
    if not any(name == "id" for name, _ in sort):
        sort.append(("id", query.reverse))
    if query.marker is not None:
        condition, more = _behind(connection, query, sort)
        where.append(condition)
        values += more
    order = ", ".join(f"{_sortable(query.kind, name)} {'DESC' if falls else 'ASC'}" for name, falls in sort)
    limit = f" LIMIT {int(query.limit)}" if query.limit else ""
    text = f"SELECT document FROM {query.kind} WHERE {' AND '.join(where)} ORDER BY {order}{limit}"
    found = [json.loads(document) for (document,) in connection.execute(text, values)]
    return found[::-1] if query.reverse else found


def count(connection: sqlite3.Connection, kind: str, project: str) -> int:
    """The number of a project's objects of a kind."""
    query = f"SELECT count(*) FROM {kind} WHERE project_id = ?"
    return int(connection.execute(query, (project,)).fetchone()[0])


def _expression(kind: str, name: str) -> str:
    """The attribute as SQL. `name` is one of FIELDS."""
    if name in _COLUMNS[kind]:
        return name
    if name == "tenant_id":
        return "project_id"
    if (kind, name) == ("port", "mac_address"):
        return "mac"
    if (kind, name) == ("agent", "agent_type"):
        return "kind"
    return f"json_extract(document, '$.\"{name}\"')"


def _sortable(kind: str, name: str) -> str:
    return name if name == "id" else f"coalesce({_expression(kind, name)}, '')"


def _behind(
    connection: sqlite3.Connection, query: ListQuery, sort: Sequence[tuple[str, bool]]
) -> tuple[str, list[object]]:
    """The condition that a row comes after the marker in the order of `sort`."""
    marker = str(query.marker)
    if read(connection, query.kind, marker) is None:
        raise not_found(query.kind, marker)
    expressions = [_sortable(query.kind, name) for name, _ in sort]
    at = connection.execute(f"SELECT {', '.join(expressions)} FROM {query.kind} WHERE id = ?", (marker,)).fetchone()
    alternatives, values = [], list[object]()
    for position, (_, falls) in enumerate(sort):
        parts = [f"{expression} = ?" for expression in expressions[:position]]
        parts.append(f"{expressions[position]} {'<' if falls else '>'} ?")
        alternatives.append("(" + " AND ".join(parts) + ")")
        values += at[: position + 1]
    return "(" + " OR ".join(alternatives) + ")", values


def _condition(
    kind: str, name: str, alternatives: Sequence[str], served: Callable[[], Served]
) -> tuple[str, list[object]]:
    compared = FIELDS[kind].get(name)
    if compared is not None:
        values = [_value(compared, text) for text in alternatives]
        return f"{_expression(kind, name)} IN ({_marks(values)})", values
    if name not in SPECIAL[kind]:
        raise bad_request(f"['{name}'] is invalid attribute for filtering")
    match name:
        case "tags" | "tags-any" | "not-tags" | "not-tags-any":
            return _tags(name, [tag for text in alternatives for tag in text.split(",")])
        case "changed_since":
            return "json_extract(document, '$.updated_at') >= ?", [max(_time(text) for text in alternatives)]
        case "fixed_ips":
            return _addresses(alternatives)
        case "subnets":
            return f"id IN (SELECT network_id FROM subnet WHERE id IN ({_marks(alternatives)}))", [*alternatives]
        case "shared":  # is the network's
            values = [_value(_BOOLEAN, text) for text in alternatives]
            query = f"SELECT id FROM network WHERE {_expression('network', 'shared')} IN ({_marks(values)})"
            return f"network_id IN ({query})", values
        case "status":
            node = served()
            active = (
                "network_id IN (SELECT value FROM json_each(?)) AND json_extract(document, '$.admin_state_up') "
                "AND json_extract(document, '$.\"binding:host_id\"') IN ('', ?)"
            )
            wanted = {text: f"({active})" if text == "ACTIVE" else f"NOT ({active})" for text in alternatives
                      if text in ("ACTIVE", "DOWN")}  # fmt: skip
            if not wanted:
                return "0", []
            return "(" + " OR ".join(wanted.values()) + ")", [json.dumps([*node.networks]), node.host] * len(wanted)
        case "alive":
            return ("1" if any(_value(_BOOLEAN, text) for text in alternatives) else "0"), []
        case _:  # security_groups
            query = f"SELECT port_id FROM membership WHERE security_group_id IN ({_marks(alternatives)})"
            return f"id IN ({query})", [*alternatives]


def _value(compared: str, text: str) -> object:
    if compared == _BOOLEAN:
        lower = text.lower()
        if lower not in (*_TRUE, *_FALSE):
            raise invalid(f"'{text}' cannot be converted to boolean")
        return int(lower in _TRUE)
    if compared == _INTEGER:
        if not (text.isascii() and text.lstrip("-").isdigit() and len(text) < 18):
            raise invalid(f"'{text}' is not an integer")
        return int(text)
    return text


def _time(text: str) -> str:
    shape = "0000-00-00T00:00:00"
    plain = text.removesuffix("Z")
    if len(plain) != len(shape) or any(a.isdigit() != (b == "0") for a, b in zip(plain, shape, strict=True)):
        raise invalid(f"The input changed_since must be in the following format: YYYY-MM-DDTHH:MM:SSZ, not '{text}'")
    return plain + "Z"


def _tags(name: str, tags: Sequence[str]) -> tuple[str, list[object]]:
    """All of the tags, any of them, or not so (Neutron's tag filters)."""
    one = "EXISTS (SELECT 1 FROM json_each(document, '$.tags') WHERE value = ?)"
    joined = (" OR " if name.endswith("any") else " AND ").join([one] * len(tags))
    return (f"NOT ({joined})" if name.startswith("not-") else f"({joined})"), [*tags]


def _addresses(alternatives: Sequence[str]) -> tuple[str, list[object]]:
    """Ports by address: `ip_address=`, `subnet_id=` and `ip_address_substr=`."""
    wanted: dict[str, list[str]] = {}
    for text in alternatives:
        key, _, value = text.partition("=")
        if key not in ("ip_address", "subnet_id", "ip_address_substr") or not value:
            raise bad_request(f"Invalid input for fixed_ips. Reason: '{text}' is not a valid filter.")
        wanted.setdefault(key, []).append(value)
    conditions, values = list[str](), list[object]()
    if "ip_address" in wanted:
        packed = [_packed(text) for text in wanted["ip_address"]]
        conditions.append(f"id IN (SELECT port_id FROM address WHERE address IN ({_marks(packed)}))")
        values += packed
    if "subnet_id" in wanted:
        conditions.append(f"id IN (SELECT port_id FROM address WHERE subnet_id IN ({_marks(wanted['subnet_id'])}))")
        values += wanted["subnet_id"]
    for text in wanted.get("ip_address_substr", ()):
        conditions.append(
            "EXISTS (SELECT 1 FROM json_each(document, '$.fixed_ips') "
            "WHERE instr(json_extract(value, '$.ip_address'), ?))"
        )
        values.append(text)
    return "(" + " AND ".join(conditions) + ")", values


def _packed(text: str) -> bytes:
    try:
        return ip_address(text).packed
    except ValueError:
        raise bad_request(f"Invalid input for fixed_ips. Reason: '{text}' is not a valid IP address.") from None


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
