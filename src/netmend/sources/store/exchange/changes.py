"""The changes that make a store hold what is wanted: as few writes as possible, in an order that works."""

from collections.abc import Mapping
from typing import Any

from netmend.intent.names import dhcp_port_id
from netmend.sources.store.exchange.change import Body, Change, Current, Kind
from netmend.sources.store.exchange.groups import deletions_of_groups, group_changes
from netmend.sources.store.exchange.wanted import Wanted
from netmend.sources.store.routers import OWNERS
from netmend.sources.store.transaction import Document

_FIXED: dict[Kind, frozenset[str]] = {  # what cannot be updated: an object that differs in it is made anew
    "network": frozenset(),
    "subnet": frozenset({"network_id", "cidr", "ip_version", "ipv6_ra_mode", "ipv6_address_mode"}),
    "port": frozenset({"network_id"}),
}
_NOT_COMPARED = frozenset({"id", "project_id"})


def changes_between(current: Current, wanted: Wanted, *, prune: bool) -> list[Change]:
    """The changes, in order. A wanted network becomes exactly what is wanted: its other subnets and ports are deleted.
    Networks and groups that are not wanted are deleted with `prune`."""
    gone = [network_id for network_id in current.networks if network_id not in wanted.networks] if prune else []
    touched = {*wanted.networks, *gone}
    ports = {key: port for key, port in current.ports.items() if port["network_id"] in touched or key in wanted.ports}
    subnets = {
        key: subnet
        for key, subnet in current.subnets.items()
        if subnet["network_id"] in touched or key in wanted.subnets
    }
    anew_subnets = {
        key for key, body in wanted.subnets.items() if key in subnets and _is_another("subnet", subnets[key], body)
    }
    anew_ports = {
        key
        for key, body in wanted.ports.items()
        if key in ports and (_is_another("port", ports[key], body) or _uses(ports[key], anew_subnets))
    }
    anew_ports |= _in_the_way(ports, wanted.ports)

    changes = group_changes(current, wanted)
    changes += [_delete("port", port) for key, port in ports.items() if key not in wanted.ports or key in anew_ports]
    changes += [
        _delete("subnet", it) for key, it in subnets.items() if key not in wanted.subnets or key in anew_subnets
    ]
    changes += [_delete("network", current.networks[network_id]) for network_id in gone]
    for kind, bodies, there, anew in (
        ("network", wanted.networks, current.networks, set[str]()),
        ("subnet", wanted.subnets, subnets, anew_subnets),
        ("port", wanted.ports, ports, anew_ports),
    ):
        for key, body in bodies.items():
            if key not in there or key in anew:
                changes.append(Change("create", kind, key, _label(body), body))  # type: ignore[arg-type]
            elif fields := _difference(there[key], body):
                changes.append(Change("update", kind, key, _label(body), fields))  # type: ignore[arg-type]
    return changes + deletions_of_groups(current, wanted) if prune else changes


def is_own(port: Document) -> bool:
    """Whether it is netmend's own port on a network, which follows from the subnets, or one of a router or a floating
    IP, which no file says."""
    return port["id"] == dhcp_port_id(port["network_id"]) or port["device_owner"] in OWNERS


def _label(document: Mapping[str, Any]) -> str:
    return str(document["name"] or document.get("cidr", ""))


def _delete(kind: Kind, document: Document) -> Change:
    return Change("delete", kind, document["id"], _label(document))


def _is_another(kind: Kind, document: Document, body: Body) -> bool:
    return any(name in body and document[name] != body[name] for name in _FIXED[kind])


def _uses(port: Document, subnets: set[str]) -> bool:
    return any(entry["subnet_id"] in subnets for entry in port["fixed_ips"])


def _in_the_way(ports: Mapping[str, Document], wanted: Mapping[str, Body]) -> set[str]:
    """Ports that stay and hold what another is to have: an address, a MAC, a place for a plug. They are made anew, so
    that any exchange among them works."""
    holders: dict[object, str] = {}
    for key, port in ports.items():
        for thing in _exclusive(port):
            holders[thing] = key
    met = ((key, holders.get(thing)) for key, body in wanted.items() for thing in _exclusive(body))
    return {holder for key, holder in met if holder is not None and holder != key and holder in wanted}


def _exclusive(port: Mapping[str, Any]) -> list[tuple[str, ...]]:
    network_id = port["network_id"]
    things: list[tuple[str, ...]] = [("mac", network_id, port["mac_address"])]
    things += [("address", network_id, entry["ip_address"]) for entry in port["fixed_ips"]]
    plug = port["netmend"].get("plug")
    if plug:
        things.append(("plug", str(plug.get("netns") or plug.get("pid") or port["id"]), plug.get("device") or "eth0"))
    return things


def _difference(document: Document, body: Body) -> Body:
    """The fields of `body` that `document` has otherwise."""
    fields = {}
    for name, value in body.items():
        if name in _NOT_COMPARED:
            continue
        if name == "fixed_ips":
            if {entry["ip_address"] for entry in value} != {entry["ip_address"] for entry in document[name]}:
                fields[name] = value
        elif name == "security_groups":
            if set(value) != set(document[name]):
                fields[name] = value
        elif document.get(name) != value:
            fields[name] = value
    return fields
