"""netmend's own port on a network, as Neutron shows a DHCP agent's: `network:dhcp`, with an address in each subnet that
is served. It is there as long as there is such a subnet, and its id is a function of the network's."""

from collections.abc import Iterable

from netmend.intent.names import dhcp_port_id, mac_from_id
from netmend.sources.store import addresses
from netmend.sources.store.transaction import Document, Transaction
from netmend.sources.store.values import network_value

OWNER = "network:dhcp"
id_on = dhcp_port_id


def settle(tx: Transaction, network: Document) -> None:
    """Give the port an address in each subnet that is served, and in no other; see that intent can be made of the
    network. Raises RefusedError."""
    network_id = network["id"]
    subnets = tx.documents("subnet", "network_id = ?", network_id)
    served = {subnet["id"]: subnet for subnet in subnets if subnet["enable_dhcp"]}
    port_id = id_on(network_id)
    port = tx.find("port", port_id)
    if port is None:
        if not served:
            network_value(network, subnets, [])
            return
        port = tx.insert("port", _document(network, port_id), network_id=network_id)
    fixed = port["fixed_ips"]
    kept = []
    for entry in fixed:
        wanted = served.get(entry["subnet_id"])
        if wanted is not None and wanted["netmend"].get("server_address") in (None, entry["ip_address"]):
            kept.append(entry)
        else:
            addresses.release(tx, network_id, entry)
    for subnet_id, subnet in served.items():
        if not any(entry["subnet_id"] == subnet_id for entry in kept):
            address = subnet["netmend"].get("server_address")
            kept.append(addresses.reserve(tx, port, subnet, address))
    network_value(network, subnets, kept)
    if not served:
        tx.delete("port", port_id)
    elif kept != fixed:
        port["fixed_ips"] = kept
        tx.update("port", port)


def leave(tx: Transaction, network: Document, port_ids: Iterable[str], subnet_id: str) -> None:
    """Take the addresses in a subnet from these ports."""
    for port_id in port_ids:
        port = tx.find("port", port_id)
        if port is None:
            continue
        for entry in port["fixed_ips"]:
            if entry["subnet_id"] == subnet_id:
                addresses.release(tx, network["id"], entry)
        port["fixed_ips"] = [entry for entry in port["fixed_ips"] if entry["subnet_id"] != subnet_id]
        tx.update("port", port)


def _document(network: Document, port_id: str) -> Document:
    return {
        "id": port_id,
        "name": "",
        "description": "",
        "network_id": network["id"],
        "project_id": network["project_id"],
        "tenant_id": network["project_id"],
        "mac_address": mac_from_id(port_id),
        "admin_state_up": True,
        "device_id": f"dhcp-{network['id']}",
        "device_owner": OWNER,
        "fixed_ips": [],
        "allowed_address_pairs": [],
        "extra_dhcp_opts": [],
        "security_groups": [],
        "port_security_enabled": False,
        "dns_name": "",
        "binding:host_id": "",
        "binding:profile": {},
        "binding:vnic_type": "normal",
        "tags": [],
        "netmend": {},
    }
