"""Networks that a file names and others have made: found by their names, not made a second time.

The ids of a file's objects are functions of their names; an object that another client of the API made has an id of
its own. Where the file gives no id and one network has its name, that network is meant. What the file does not say of
an object that is adopted stays as it is, and nothing of such a network is deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netmend.sources.problem import SourceError
from netmend.sources.store.exchange.change import Body, Current, Kind
from netmend.sources.store.exchange.wanted import Wanted
from netmend.sources.store.transaction import Document

_FILES_NAMES: Mapping[str, str] = {  # the file's name of a field of the API, where it has another
    "port_security_enabled": "port_security",
    "gateway_ip": "gateway",
    "dns_nameservers": "dns_servers",
    "host_routes": "routes",
    "allocation_pools": "pools",
    "ipv6_address_mode": "address_mode",
    "ipv6_ra_mode": "ra_mode",
    "mac_address": "mac",
    "dns_name": "hostname",
}
_ALWAYS = frozenset({"id", "network_id", "project_id", "cidr", "ip_version", "enable_dhcp", "netmend"})


class AmbiguousError(SourceError):
    """The file cannot be applied as it stands; the message says to which network that is owed, and what to do."""


def adopt(current: Current, wanted: Wanted) -> Wanted:
    """`wanted` with the ids of the objects that are meant. Raises AmbiguousError."""
    adopted = {
        network_id: there
        for network_id, body in wanted.networks.items()
        if (there := _meant(network_id, body, current, wanted)) is not None
    }
    if not adopted:
        return wanted
    networks: dict[str, Body] = {}
    for network_id, body in wanted.networks.items():
        there = adopted.get(network_id)
        new = body if there is None else _merged(body, there, wanted.said[network_id])
        networks[new["id"]] = new
    subnets = _adopt_part("subnet", wanted.subnets, current.subnets, adopted, wanted.said)
    ports = _adopt_part("port", wanted.ports, current.ports, adopted, wanted.said)
    return replace(wanted, networks=networks, subnets=subnets, ports=ports)


def _meant(network_id: str, body: Body, current: Current, wanted: Wanted) -> Document | None:
    """The network of others that the file means by a name."""
    if network_id in current.networks or "id" in wanted.said[network_id]:
        return None
    alike = [
        network
        for network in current.networks.values()
        if network["name"] == body["name"] and network["id"] not in wanted.networks
        and (not body["project_id"] or network["project_id"] == body["project_id"])
    ]  # fmt: skip
    if len(alike) > 1:
        raise _ambiguous("networks", body["name"], alike)
    return alike[0] if alike else None


def _adopt_part(
    kind: Kind,
    bodies: Mapping[str, Body],
    current: Mapping[str, Document],
    adopted: Mapping[str, Document],
    said: Mapping[str, frozenset[str]],
) -> dict[str, Body]:
    """The bodies of subnets or ports, those in `adopted` networks with the ids of what is meant. `adopted` is by the id
    that the file gives the network."""
    inside = {network["id"]: dict[str, Document]() for network in adopted.values()}
    for document in current.values():
        if document["network_id"] in inside:
            inside[document["network_id"]][document["id"]] = document
    found: dict[str, Body] = {}
    for key, body in bodies.items():
        network = adopted.get(body["network_id"])
        if network is None:
            found[key] = body
            continue
        there = _same(kind, key, body, inside[network["id"]])
        new = {**body, "network_id": network["id"]}
        if there is not None:
            del inside[network["id"]][there["id"]]
            new = _merged(new, there, said[key])
        found[new["id"]] = new
    for network in adopted.values():
        for document in inside[network["id"]].values():
            raise AmbiguousError(
                f"network {network['name']} ({network['id']}) was made by others and has the {kind} "
                f"{document['name'] or document['id']}, which the file does not have: add it to the file (netmend "
                "export prints it), or give the file's network another name or an `id:`"
            )
    return found


def _same(kind: Kind, key: str, body: Body, inside: Mapping[str, Document]) -> Document | None:
    if key in inside:
        return inside[key]
    field = "cidr" if kind == "subnet" else "name"
    alike = [document for document in inside.values() if document[field] == body[field]]
    if len(alike) > 1:
        raise _ambiguous(f"{kind}s", body["name"], alike)
    return alike[0] if alike else None


def _ambiguous(kinds: str, name: str, alike: Sequence[Document]) -> AmbiguousError:
    ids = ", ".join(sorted(document["id"] for document in alike))
    return AmbiguousError(f"{len(alike)} {kinds} have the name {name} ({ids}); say which by `id:` in the file")


def _merged(body: Body, there: Document, said: frozenset[str]) -> Body:
    """The fields that the file gives; the others stay as they are."""
    given = {
        name: value if name in _ALWAYS or _FILES_NAMES.get(name, name) in said else there[name]
        for name, value in body.items()
    }
    settings = {name: value for name, value in body["netmend"].items() if name in said}
    return {**given, "id": there["id"], "netmend": {**there["netmend"], **settings}}
