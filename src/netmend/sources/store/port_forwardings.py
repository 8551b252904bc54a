"""Writes of port forwardings, which a floating IP holds. What is refused, and in which words, is Neutron's."""

from typing import Any

from netmend.sources.store.allocation import new_id
from netmend.sources.store.errors import RefusedError, bad_request
from netmend.sources.store.floatingips import router_to
from netmend.sources.store.transaction import Document, Transaction


def create(tx: Transaction, floatingip_id: str, values: dict[str, Any]) -> Document:
    """A new one; `values` as `PortForwardingCreate` gives them. Raises RefusedError."""
    document = tx.get("floatingip", floatingip_id)
    if document["port_id"] is not None:
        message = f"Floating IP {floatingip_id} in use by port {document['port_id']}; it cannot have port forwardings"
        raise RefusedError("FipInUseByPortForwarding", 409, message)
    entry = {**values, "id": new_id()}
    _put(tx, document, entry, document["port_forwardings"])
    return entry


def update(tx: Transaction, floatingip_id: str, object_id: str, values: dict[str, Any]) -> Document:
    """Change the fields that `values` has. Raises RefusedError."""
    document = tx.get("floatingip", floatingip_id)
    entry = {**find(document, object_id), **values}
    _put(tx, document, entry, [each for each in document["port_forwardings"] if each["id"] != object_id])
    return entry


def delete(tx: Transaction, floatingip_id: str, object_id: str) -> None:
    """Raises RefusedError."""
    document = tx.get("floatingip", floatingip_id)
    gone = find(document, object_id)
    document["port_forwardings"] = [each for each in document["port_forwardings"] if each != gone]
    if not document["port_forwardings"]:
        document |= {"router_id": None, "status": "DOWN"}
    tx.update("floatingip", document)


def find(document: Document, object_id: str) -> Document:
    """That of a floating IP with this id. Raises RefusedError."""
    found = next((each for each in document["port_forwardings"] if each["id"] == object_id), None)
    if found is None:
        raise RefusedError("PortForwardingNotFound", 404, f"Port Forwarding {object_id} could not be found.")
    return dict(found)


def _put(tx: Transaction, document: Document, entry: Document, others: list[Document]) -> None:
    port = tx.get("port", entry["internal_port_id"])
    own = [each for each in port["fixed_ips"] if ":" not in each["ip_address"]]
    wanted = entry.get("internal_ip_address")
    chosen = next((each for each in own if wanted in (None, each["ip_address"])), None)
    if chosen is None:
        raise bad_request(
            f"Bad port_forwarding request: Port {port['id']} does not have fixed ip {wanted or 'of IPv4'}."
        )
    entry["internal_ip_address"] = chosen["ip_address"]
    router = router_to(tx, chosen["subnet_id"], document["floating_network_id"])
    if router is None or document["router_id"] not in (None, router["id"]):
        message = (
            f"External network {document['floating_network_id']} is not reachable from subnet {chosen['subnet_id']}.  "
            f"Therefore, cannot associate Port {port['id']} with a Floating IP."
        )
        raise RefusedError("ExternalGatewayForFloatingIPNotFound", 404, message)
    for other in others:
        if (other["protocol"], other["external_port"]) == (entry["protocol"], entry["external_port"]):
            message = (
                f"A duplicate port forwarding entry with same attributes already exists, conflicting values are {entry}"
            )
            raise bad_request(f"Bad port_forwarding request: {message}.")
    document["port_forwardings"] = [*others, entry]
    document |= {"router_id": router["id"], "status": "ACTIVE"}
    tx.update("floatingip", document)
