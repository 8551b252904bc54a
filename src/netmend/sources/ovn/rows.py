"""What rows of the southbound database say, by what Neutron writes into them; pure."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from typing import Any, Final
from uuid import UUID

Row = Mapping[str, Any]  # by column
Rows = Mapping[str, Row]  # by UUID
Tables = Mapping[str, Rows]

CIDRS: Final = "neutron:cidrs"
DEVICE: Final = "neutron:device_id"
PROJECT: Final = "neutron:project_id"
MTU: Final = "neutron:mtu"
LOCALPORT: Final = "localport"
_OWNER: Final = "neutron:device_owner"
_METADATA_OWNER: Final = "network:distributed"
_METADATA_DEVICE: Final = "ovnmeta-"
_GUEST_TYPES: Final = frozenset(("", "external"))
_NETWORK: Final = "neutron-"
_NO_ROWS: Final[Rows] = {}


def rows_of(tables: Tables, table: str) -> Rows:
    return tables.get(table, _NO_ROWS)


def chassis_uuid(tables: Tables, name: str) -> str | None:
    """The UUID of the chassis of that name; None while ovn-controller has not registered it."""
    return next((uuid for uuid, row in rows_of(tables, "Chassis").items() if row["name"] == name), None)


def is_guest(row: Row, chassis: str) -> bool:
    """Whether a port binding is a guest's on this chassis, or is about to be: a live migration is under way."""
    here = row["chassis"] == chassis or chassis in row.get("additional_chassis", ())
    return here and row["type"] in _GUEST_TYPES


def is_metadata_port(kind: str, external_ids: Mapping[str, str]) -> bool:
    """Whether a port binding of that type is a network's metadata port. Neutron makes other localports too, for health
    monitors of load balancers; before 2023 it gave metadata ports another owner."""
    if kind != LOCALPORT:
        return False
    owner, device = external_ids.get(_OWNER, ""), external_ids.get(DEVICE, "")
    return owner == _METADATA_OWNER or device.startswith(_METADATA_DEVICE)


def guests(tables: Tables, chassis: str) -> Iterator[tuple[str, Row]]:
    """The port bindings of guests on this chassis, each with its UUID, in a lasting order."""
    found = ((uuid, row) for uuid, row in rows_of(tables, "Port_Binding").items() if is_guest(row, chassis))
    return iter(sorted(found, key=lambda pair: (pair[1]["logical_port"], pair[0])))


def network_id(datapath: Row) -> str | None:
    """The id of the Neutron network that a datapath is; None where it is none, but a router or another program's."""
    name = str(datapath["external_ids"].get("name", ""))
    return canonical(name.removeprefix(_NETWORK)) if name.startswith(_NETWORK) else None


def canonical(text: str) -> str | None:
    """The UUID in its canonical form; None where the text is none."""
    try:
        found = str(UUID(text))
    except ValueError:
        return None
    return found if found == text.lower() else None


def addresses(row: Row) -> tuple[str | None, tuple[IPv4Address | IPv6Address, ...]]:
    """MAC (lower-case; None: it has none) and addresses of a port binding: those of column `mac` (`MAC ADDRESS...`),
    and those that Neutron notes, which are all there is where the MAC is unknown."""
    mac: str | None = None
    found: dict[IPv4Address | IPv6Address, None] = {}
    for entry in row["mac"]:
        first, *others = str(entry).split() or [""]
        if mac is None and _is_mac(first):
            mac = first.lower()
        for word in others:
            try:
                found[ip_address(word.partition("/")[0])] = None
            except ValueError:
                continue  # `dynamic`, or a later OVN's word
    for interface in cidrs(row):
        found[interface.ip] = None
    return mac, tuple(found)


def cidrs(row: Row) -> tuple[IPv4Interface | IPv6Interface, ...]:
    """The addresses of a port binding with their prefixes, as Neutron notes them."""
    found: dict[IPv4Interface | IPv6Interface, None] = {}
    for word in str(row["external_ids"].get(CIDRS, "")).split():
        try:
            found[ip_interface(word)] = None
        except ValueError:
            continue
    return tuple(found)


def mtu(row: Row, default: int) -> int:
    """The MTU that Neutron notes; `default` where it notes none that a device can have."""
    text = str(row["external_ids"].get(MTU, ""))
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    return value if 68 <= value <= 65_535 else default


def _is_mac(text: str) -> bool:
    octets = text.split(":")
    if len(octets) != 6 or not all(len(octet) == 2 for octet in octets):
        return False
    try:
        return int(octets[0], 16) & 1 == 0 and all(int(octet, 16) >= 0 for octet in octets)
    except ValueError:
        return False
