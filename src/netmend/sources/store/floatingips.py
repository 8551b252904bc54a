"""Writes of floating IPs. What is refused, and in which words, is Neutron's."""

import sqlite3
from ipaddress import ip_address
from typing import Any

from netmend.sources.store import ports
from netmend.sources.store.allocation import new_id
from netmend.sources.store.errors import RefusedError, bad_request, taken_id
from netmend.sources.store.quotas import check_quota
from netmend.sources.store.routers import FLOATING, INTERFACE
from netmend.sources.store.shapes.port import PortCreate
from netmend.sources.store.transaction import Document, Transaction


def create(tx: Transaction, values: dict[str, Any], project: str) -> Document:
    """A new floating IP of `project`; `values` as `FloatingIpCreate` gives them. Raises RefusedError."""
    network = tx.get("network", values["floating_network_id"])
    check_quota(tx, "floatingip", project)
    if not network["router:external"]:
        raise bad_request(f"Bad floatingip request: Network {network['id']} is not a valid external network.")
    document: Document = {
        "id": values.get("id") or new_id(),
        "description": values["description"],
        "project_id": project,
        "tenant_id": project,
        "floating_network_id": network["id"],
        "floating_ip_address": "",
        "port_id": None,
        "fixed_ip_address": None,
        "router_id": None,
        "status": "DOWN",
        "port_details": None,
        "port_forwardings": [],
        "dns_domain": values["dns_domain"],
        "dns_name": values["dns_name"],
        "qos_policy_id": None,
        "tags": sorted(set(values["tags"])),
    }
    wish = {"subnet_id": values["subnet_id"], "ip_address": values["floating_ip_address"]}
    wish = {name: value for name, value in wish.items() if value is not None}
    body = {"network_id": network["id"], "device_id": document["id"], "device_owner": FLOATING}
    wishes = {"fixed_ips": [wish]} if wish else {}
    shaped = PortCreate.model_validate({**body, **wishes, "port_security_enabled": False}).model_dump(by_alias=True)
    own = ports.create(tx, shaped, "")
    found = [entry["ip_address"] for entry in own["fixed_ips"] if ip_address(entry["ip_address"]).version == 4]
    if not found:
        message = f"Network {network['id']} does not contain any IPv4 subnet"
        raise RefusedError("ExternalIpAddressExhausted", 400, message)
    document["floating_ip_address"] = found[0]
    _associate(tx, document, values["port_id"], values["fixed_ip_address"])
    try:
        return tx.insert("floatingip", document)
    except sqlite3.IntegrityError as error:
        raise (
            _taken(document)
            if "floatingip_fixed" in str(error) or document["port_id"]
            else taken_id("floatingip", document["id"])
        ) from None


def update(tx: Transaction, object_id: str, values: dict[str, Any], revision: int | None = None) -> Document:
    """Change the fields that `values` has; without `port_id`, it stays the guest's. Raises RefusedError."""
    document = tx.get("floatingip", object_id, revision)
    if "description" in values:
        document["description"] = values["description"]
    if "port_id" in values or "fixed_ip_address" in values:
        _associate(tx, document, values.get("port_id"), values.get("fixed_ip_address"))
    try:
        return tx.update("floatingip", document)
    except sqlite3.IntegrityError:
        raise _taken(document) from None


def delete(tx: Transaction, object_id: str, revision: int | None = None) -> None:
    """Raises RefusedError."""
    tx.get("floatingip", object_id, revision)
    owned = "device_id = ? AND json_extract(document, '$.device_owner') = ?"
    for port in tx.documents("port", owned, object_id, FLOATING):
        ports.delete(tx, port["id"], service=True)
    tx.delete("floatingip", object_id)


def _taken(document: Document) -> RefusedError:
    message = (
        f"Cannot associate floating IP {document['floating_ip_address']} ({document['id']}) with port "
        f"{document['port_id']} using fixed IP {document['fixed_ip_address']}, as that fixed IP already has a floating "
        f"IP on external network {document['floating_network_id']}."
    )
    return RefusedError("FloatingIPPortAlreadyAssociated", 409, message)


def _associate(tx: Transaction, document: Document, port_id: str | None, fixed_ip: str | None) -> None:
    """Make it a port's, or (None) nobody's."""
    if not document["port_forwardings"]:
        document |= {"router_id": None, "status": "DOWN"}
    document |= {"port_id": None, "fixed_ip_address": None, "port_details": None}
    if port_id is None:
        if fixed_ip is not None:
            raise bad_request("Bad floatingip request: fixed_ip_address cannot be specified without a port_id.")
        return
    if document["port_forwardings"]:
        message = f"Floating IP {document['id']} has port forwardings, so it cannot be associated with port {port_id}"
        raise RefusedError("FloatingIPHasPortForwardings", 409, message)
    port = tx.get("port", port_id)
    own = [entry for entry in port["fixed_ips"] if ":" not in entry["ip_address"]]
    chosen = next((entry for entry in own if fixed_ip in (None, entry["ip_address"])), None)
    if chosen is None:
        raise bad_request(f"Bad floatingip request: Port {port_id} does not have fixed ip {fixed_ip or 'of IPv4'}.")
    router = router_to(tx, chosen["subnet_id"], document["floating_network_id"])
    if router is None:
        message = (
            f"External network {document['floating_network_id']} is not reachable from subnet {chosen['subnet_id']}.  "
            f"Therefore, cannot associate Port {port_id} with a Floating IP."
        )
        raise RefusedError("ExternalGatewayForFloatingIPNotFound", 404, message)
    document |= {
        "port_id": port_id,
        "fixed_ip_address": chosen["ip_address"],
        "router_id": router["id"],
        "status": "ACTIVE",
    }


def router_to(tx: Transaction, subnet_id: str, external_id: str) -> Document | None:
    """The router that leads from a subnet to an external network."""
    query = "json_extract(document, '$.device_owner') = ? AND id IN (SELECT port_id FROM address WHERE subnet_id = ?)"
    for port in tx.documents("port", query, INTERFACE, subnet_id):
        router = tx.find("router", port["device_id"])
        info = router["external_gateway_info"] if router else None
        if router and info and info["network_id"] == external_id:
            return router
    return None


def leave(tx: Transaction, port_id: str) -> None:
    """The port goes: its floating IPs are nobody's."""
    for document in tx.documents("floatingip", "port_id = ?", port_id):
        _associate(tx, document, None, None)
        tx.update("floatingip", document)
    held = "EXISTS (SELECT 1 FROM json_each(document, '$.port_forwardings') "
    held += "WHERE json_extract(value, '$.internal_port_id') = ?)"
    for document in tx.documents("floatingip", held, port_id):
        kept = [each for each in document["port_forwardings"] if each["internal_port_id"] != port_id]
        document["port_forwardings"] = kept
        if not kept:
            document |= {"router_id": None, "status": "DOWN"}
        tx.update("floatingip", document)
