"""Writes of ports. What is refused, and in which words, is Neutron's."""

import sqlite3
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from netmend.intent import Port
from netmend.intent.names import mac_from_id
from netmend.sources import fields
from netmend.sources.store import addresses, own_port, port_groups
from netmend.sources.store.allocation import MAC_TRIES, new_id, new_mac
from netmend.sources.store.errors import RefusedError, bad_request, invalid, taken_id
from netmend.sources.store.quotas import check_quota
from netmend.sources.store.transaction import Document, Transaction
from netmend.sources.store.values import port_value

_PAIRS_MAX = 10
_OF_ROUTERS = ("network:router_interface", "network:router_gateway", "network:floatingip")


def create(tx: Transaction, values: dict[str, Any], project: str) -> Document:
    """A new port of `project`; `values` as `PortCreate` gives them. Raises RefusedError."""
    network = tx.get("network", values["network_id"])
    check_quota(tx, "port", project)
    document: Document = {
        "id": values.get("id") or new_id(),
        "name": values["name"],
        "description": values["description"],
        "network_id": network["id"],
        "project_id": project,
        "tenant_id": project,
        "mac_address": values["mac_address"] or "",
        "admin_state_up": values["admin_state_up"],
        "device_id": values["device_id"],
        "device_owner": values["device_owner"],
        "fixed_ips": [],
        "allowed_address_pairs": values["allowed_address_pairs"] or [],
        "extra_dhcp_opts": values["extra_dhcp_opts"] or [],
        "security_groups": [],
        "port_security_enabled": _is_secure(values, network),
        "dns_name": values["dns_name"],
        "binding:host_id": values["binding:host_id"] or "",
        "binding:profile": values["binding:profile"] or {},
        "binding:vnic_type": values["binding:vnic_type"],
        "tags": sorted(set(values["tags"])),
        "netmend": values["netmend"],
    }
    _plug_by_profile(document, {})
    _check(document, values)
    if not document["mac_address"]:
        document["mac_address"] = _free_mac(tx, network["id"])
    elif not _is_free(tx, network["id"], document["mac_address"]):
        raise _taken_mac(document)
    document["allowed_address_pairs"] = _pairs(document, values["allowed_address_pairs"] or [])
    _check_pairs(document)
    port_groups.choose(tx, document, values["security_groups"])
    subnets = tx.subnets_of(network)
    wishes = values["fixed_ips"]
    document["fixed_ips"] = [] if wishes == [] else addresses.choose(tx, document, subnets, wishes)
    value = _value(document, subnets)
    try:
        tx.insert("port", document, network_id=network["id"])
    except sqlite3.IntegrityError as error:
        raise _taken(document, error) from None
    port_groups.write(tx, document, [])
    tx.ports[network["id"], document["id"]] = value
    return document


def update(tx: Transaction, port_id: str, values: dict[str, Any], revision: int | None = None) -> Document:
    """Change the fields that `values` has. Raises RefusedError."""
    document = tx.get("port", port_id, revision)
    network = tx.get("network", document["network_id"])
    if document["device_owner"] == own_port.OWNER and port_id == own_port.id_on(network["id"]):
        _only_words(port_id, values)
    for name, empty in (
        ("allowed_address_pairs", []),
        ("binding:profile", {}),
        ("security_groups", []),
        ("binding:host_id", ""),
    ):
        if name in values and values[name] is None:
            values[name] = empty
    if "extra_dhcp_opts" in values:
        values["extra_dhcp_opts"] = _changed_options(document["extra_dhcp_opts"], values["extra_dhcp_opts"] or [])
    has_wish = "fixed_ips" in values
    wished = values.pop("fixed_ips", None)
    old_mac, old_profile, old_groups = (
        document["mac_address"],
        document["binding:profile"],
        document["security_groups"],
    )
    if values.get("mac_address") is None:
        values.pop("mac_address", None)
    document.update(values)
    _plug_by_profile(document, old_profile)
    _check(document, values)
    if "allowed_address_pairs" in values:
        document["allowed_address_pairs"] = _pairs(document, values["allowed_address_pairs"])
    _check_pairs(document)
    port_groups.change(tx, document, values)
    subnets = tx.subnets_of(network)
    if has_wish or document["mac_address"] != old_mac:
        _readdress(tx, document, subnets, (wished or []) if has_wish else None)
    value = _value(document, subnets)
    try:
        tx.update("port", document)
    except sqlite3.IntegrityError as error:
        raise _taken(document, error) from None
    port_groups.write(tx, document, old_groups)
    if port_id != own_port.id_on(network["id"]):
        tx.ports[network["id"], port_id] = value
    return document


def delete(tx: Transaction, port_id: str, revision: int | None = None, *, service: bool = False) -> None:
    """Delete a port; one of a router or a floating IP only as `service`, which is for what it belongs to. Raises
    RefusedError."""
    from netmend.sources.store import floatingips  # which makes ports itself

    document = tx.get("port", port_id, revision)
    if document["device_owner"] in _OF_ROUTERS and not service and _is_owned(tx, document):
        reason = f"has device owner {document['device_owner']}"
        message = f"Port {port_id} cannot be deleted directly via the port API: {reason}."
        raise RefusedError("ServicePortInUse", 409, message)
    floatingips.leave(tx, port_id)
    if port_id == own_port.id_on(document["network_id"]):
        reason = "it is netmend's own, and goes with the last subnet that it serves"
        message = f"Port {port_id} cannot be deleted directly via the port API: {reason}."
        raise RefusedError("ServicePortInUse", 409, message)
    for entry in document["fixed_ips"]:
        addresses.release(tx, document["network_id"], entry)
    tx.delete("port", port_id)
    tx.ports[document["network_id"], port_id] = None


def _is_owned(tx: Transaction, port: Document) -> bool:
    """Whether the router or floating IP that the port names is there: clients may name what they like."""
    return any(tx.find(kind, port["device_id"]) is not None for kind in ("router", "floatingip"))


def _plug_by_profile(document: Document, before: dict[str, Any]) -> None:
    """Take a plug from `binding:profile`, for clients that do not know `netmend`: `netns` or `pid`, with `device`, or
    `tap`, a uid."""
    wanted = _plug_of(document["binding:profile"])
    if wanted == _plug_of(before):
        return
    settings = {name: value for name, value in document["netmend"].items() if name != "plug"}
    document["netmend"] = {**settings, "plug": wanted} if wanted else settings


def _plug_of(profile: dict[str, Any]) -> dict[str, Any] | None:
    device = {"device": profile["device"]} if "device" in profile else {}
    try:
        if "netns" in profile:
            return {"netns": profile["netns"], **device}
        if "pid" in profile:
            return {"pid": int(profile["pid"]), **device}
        return {"tap": {"owner": int(profile["tap"])}} if "tap" in profile else None
    except (TypeError, ValueError):
        raise bad_request("Invalid input for binding:profile. Reason: pid and tap are whole numbers.") from None


def _free_mac(tx: Transaction, network_id: str) -> str:
    for _ in range(MAC_TRIES):
        mac = new_mac()
        if _is_free(tx, network_id, mac):
            return mac
    message = f"Unable to generate unique mac on network {network_id}."
    raise RefusedError("MacAddressGenerationFailure", 503, message)


def _is_free(tx: Transaction, network_id: str, mac: str) -> bool:
    query = "SELECT 1 FROM port WHERE network_id = ? AND mac = ?"
    return tx.connection.execute(query, (network_id, mac)).fetchone() is None


def _taken(document: Document, error: sqlite3.IntegrityError) -> RefusedError:
    text = str(error)
    if "plug_place" in text:
        plug = document["netmend"]["plug"]
        where = plug.get("netns") or f"process {plug.get('pid')}"
        message = f"Another port is plugged into {where} as {plug.get('device') or 'eth0'}"
        return RefusedError("PlugInUse", 409, message)
    if "port.mac" in text:
        return _taken_mac(document)
    return taken_id("port", document["id"])


def _taken_mac(document: Document) -> RefusedError:
    network_id, mac = document["network_id"], document["mac_address"]
    message = f"Unable to complete operation for network {network_id}. The mac address {mac} is in use."
    return RefusedError("MacAddressInUse", 409, message)


def _check(document: Document, values: dict[str, Any]) -> None:
    """What can be said of the port alone."""
    network_id = document["network_id"]
    own_macs = (mac_from_id(network_id), mac_from_id(own_port.id_on(network_id)))
    if document["mac_address"] in own_macs and document["id"] != own_port.id_on(network_id):
        raise _taken_mac(document)
    if document["dns_name"]:
        try:
            fields.host_name(document["dns_name"])
        except ValueError as error:
            raise bad_request(f"Invalid input for dns_name. Reason: {error}.") from None
    if "extra_dhcp_opts" in values:
        options = [
            {"opt_name": entry["opt_name"], "opt_value": entry["opt_value"], "ip_version": int(entry["ip_version"])}
            for entry in document["extra_dhcp_opts"]
            if entry["opt_value"] is not None
        ]
        document["extra_dhcp_opts"] = options


def _is_secure(values: dict[str, Any], network: Document) -> bool:
    """The request's value, else the network's."""
    said: bool | None = values["port_security_enabled"]
    return bool(network["port_security_enabled"]) if said is None else said


def _check_pairs(document: Document) -> None:
    if document["allowed_address_pairs"] and not document["port_security_enabled"]:
        message = "Port Security must be enabled in order to have allowed address pairs on a port."
        raise RefusedError("AddressPairAndPortSecurityRequired", 409, message)


def _pairs(document: Document, given: list[dict[str, Any]]) -> list[dict[str, str]]:
    if len(given) > _PAIRS_MAX:
        message = f"Exceeded maximum number of allowed address pairs ({_PAIRS_MAX})."
        raise RefusedError("AllowedAddressPairExhausted", 400, message)
    pairs: list[dict[str, str]] = []
    for pair in given:
        text = pair["ip_address"]
        try:
            block = ip_network(text, strict=False)
        except ValueError:
            raise bad_request(
                f"Invalid input for allowed_address_pairs. Reason: '{text}' is not a valid IP subnet."
            ) from None
        entry = {
            "mac_address": pair["mac_address"] or document["mac_address"],
            "ip_address": str(block) if "/" in text else str(ip_address(text)),
        }
        if entry in pairs:
            message = f"Request contains duplicate address pair: mac_address {entry['mac_address']} ip_address {text}."
            raise RefusedError("DuplicateAddressPairInRequest", 400, message)
        pairs.append(entry)
    return pairs


def _only_words(port_id: str, values: dict[str, Any]) -> None:
    for name in values:
        if name not in ("name", "description"):
            raise invalid(f"port {port_id} is netmend's own: its {name} follows from the subnets")


def _changed_options(old: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Options as Neutron updates them: one that is named is set, or goes when it has no value; the others stay."""
    options = {(entry["opt_name"], int(entry["ip_version"])): entry for entry in old}
    for entry in given:
        options[entry["opt_name"], int(entry["ip_version"])] = entry
    return list(options.values())


def _readdress(
    tx: Transaction, document: Document, subnets: list[Document], wishes: list[dict[str, Any]] | None
) -> None:
    """Give up what is not wished for any more, and all that was made of another MAC; keep the rest. Without `wishes`,
    all the rest."""
    automatic = {subnet["id"] for subnet in subnets if subnet["ipv6_address_mode"] in addresses.AUTOMATIC}
    before = [entry for entry in document["fixed_ips"] if entry["subnet_id"] not in automatic]
    kept, still = _match(before, before if wishes is None else wishes)
    for entry in document["fixed_ips"]:
        if entry not in kept:
            addresses.release(tx, document["network_id"], entry)
    nothing = wishes is not None and not wishes
    document["fixed_ips"] = [] if nothing else addresses.choose(tx, document, subnets, still, kept)


def _match(
    entries: list[addresses.Entry], wishes: Iterable[dict[str, Any]]
) -> tuple[list[addresses.Entry], list[dict[str, Any]]]:
    """The entries that meet a wish each, and the wishes that none meets."""
    left, kept, open_wishes = list(entries), [], []
    for wish in sorted(wishes, key=lambda wish: wish.get("ip_address") is None):
        met = next(
            (
                entry
                for entry in left
                if wish.get("ip_address") in (None, entry["ip_address"])
                and wish.get("subnet_id") in (None, entry["subnet_id"])
            ),
            None,
        )
        if met is None:
            open_wishes.append(wish)
        else:
            left.remove(met)
            kept.append(met)
    return kept, open_wishes


def _value(document: Document, subnets: list[Document]) -> Port | None:
    gateways = {subnet["id"]: subnet["gateway_ip"] for subnet in subnets if subnet["enable_dhcp"]}
    return port_value(document, gateways)
