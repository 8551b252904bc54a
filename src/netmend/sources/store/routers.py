"""Writes of routers. What is refused, and in which words, is Neutron's."""

import sqlite3
from ipaddress import ip_address, ip_network
from typing import Any, Final

from netmend.sources.store import ports
from netmend.sources.store.allocation import new_id
from netmend.sources.store.errors import RefusedError, bad_request, taken_id
from netmend.sources.store.quotas import check_quota
from netmend.sources.store.shapes.port import PortCreate
from netmend.sources.store.transaction import Document, Transaction

INTERFACE: Final = "network:router_interface"
GATEWAY: Final = "network:router_gateway"
FLOATING: Final = "network:floatingip"
OWNERS: Final = (INTERFACE, GATEWAY, FLOATING)


def create(tx: Transaction, values: dict[str, Any], project: str) -> Document:
    """A new router of `project`; `values` as `RouterCreate` gives them. Raises RefusedError."""
    check_quota(tx, "router", project)
    if values["distributed"] or values["ha"]:
        raise bad_request("A router is on one node here: distributed and ha are not offered.")
    document: Document = {
        "id": values.get("id") or new_id(),
        "name": values["name"],
        "description": values["description"],
        "admin_state_up": values["admin_state_up"],
        "status": "ACTIVE",
        "project_id": project,
        "tenant_id": project,
        "external_gateway_info": None,
        "routes": [],
        "distributed": False,
        "ha": False,
        "availability_zone_hints": [],
        "availability_zones": [],
        "flavor_id": None,
        "tags": sorted(set(values["tags"])),
    }
    try:
        tx.insert("router", document)
    except sqlite3.IntegrityError:
        raise taken_id("router", document["id"]) from None
    if values["external_gateway_info"]:
        _set_gateway(tx, document, values["external_gateway_info"])
    if values["routes"]:
        document["routes"] = _routes(tx, document, values["routes"])
    return tx.update("router", document) if document["external_gateway_info"] or document["routes"] else document


def update(tx: Transaction, router_id: str, values: dict[str, Any], revision: int | None = None) -> Document:
    """Change the fields that `values` has. Raises RefusedError."""
    document = tx.get("router", router_id, revision)
    if "external_gateway_info" in values:
        _set_gateway(tx, document, values.pop("external_gateway_info") or None)
    routes = (values.pop("routes") or []) if "routes" in values else None  # null: none, as in Neutron
    document.update(values)
    if routes is not None:
        document["routes"] = _routes(tx, document, routes)
    return tx.update("router", document)


def delete(tx: Transaction, router_id: str, revision: int | None = None) -> None:
    """Raises RefusedError while networks are on the router."""
    document = tx.get("router", router_id, revision)
    if interfaces(tx, router_id):
        raise RefusedError("RouterInUse", 409, f"Router {router_id} still has ports")
    _set_gateway(tx, document, None)
    tx.delete("router", router_id)


def interfaces(tx: Transaction, router_id: str) -> list[Document]:
    """The router's ports on networks."""
    owned = "device_id = ? AND json_extract(document, '$.device_owner') = ?"
    return tx.documents("port", owned, router_id, INTERFACE)


def add_interface(tx: Transaction, router_id: str, subnet_id: str | None, port_id: str | None) -> Document:
    """Put a network on the router: by a subnet, whose gateway the router becomes, or by a port that is there. Returns
    what the API shows of it. Raises RefusedError."""
    router = tx.get("router", router_id)
    if (subnet_id is None) == (port_id is None):
        raise bad_request("Either subnet_id or port_id must be specified, and not both.")
    if port_id is not None:
        port = tx.get("port", port_id)
        if port["device_id"] or not port["fixed_ips"]:
            why = f"it is in use by {port['device_id']}" if port["device_id"] else "it has no fixed IP"
            raise RefusedError("PortInUse", 409, f"Unable to complete operation on port {port_id}: {why}.")
        _refuse_overlap(tx, router_id, [tx.get("subnet", entry["subnet_id"]) for entry in port["fixed_ips"]])
        ports.update(
            tx,
            port_id,
            {"device_id": router_id, "device_owner": INTERFACE, "port_security_enabled": False, "security_groups": []},
        )
    else:
        subnet = tx.get("subnet", str(subnet_id))
        if not subnet["gateway_ip"]:
            raise bad_request("Bad router request: Subnet for router interface must have a gateway IP.")
        _refuse_overlap(tx, router_id, [subnet])
        port = _make_port(
            tx,
            {"network_id": subnet["network_id"], "device_id": router_id, "device_owner": INTERFACE,
             "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}]},
            router["project_id"],
        )  # fmt: skip
    tx.update("router", tx.get("router", router_id))
    return _interface(router, tx.get("port", port["id"]))


def remove_interface(tx: Transaction, router_id: str, subnet_id: str | None, port_id: str | None) -> Document:
    """Take a network from the router. Raises RefusedError."""
    router = tx.get("router", router_id)
    if subnet_id is None and port_id is None:
        raise bad_request("Either subnet_id or port_id must be specified.")
    for port in interfaces(tx, router_id):
        subnets = {entry["subnet_id"] for entry in port["fixed_ips"]}
        if port_id in (None, port["id"]) and (subnet_id is None or subnet_id in subnets):
            _refuse_floating(tx, router_id, subnets)
            shown = _interface(router, port)
            ports.delete(tx, port["id"], service=True)
            tx.update("router", tx.get("router", router_id))
            return shown
    what = f"subnet {subnet_id}" if subnet_id else f"port {port_id}"
    raise RefusedError("RouterInterfaceNotFound", 404, f"Router {router_id} does not have an interface with {what}")


def change_routes(tx: Transaction, router_id: str, given: list[dict[str, str]], *, add: bool) -> Document:
    """Add static routes, or remove those that are there. Raises RefusedError."""
    document = tx.get("router", router_id)
    kept = [route for route in document["routes"] if route not in given]
    document["routes"] = _routes(tx, document, [*kept, *given]) if add else kept
    return tx.update("router", document)


def _interface(router: Document, port: Document) -> Document:
    subnets = [entry["subnet_id"] for entry in port["fixed_ips"]]
    return {
        "id": router["id"],
        "project_id": router["project_id"],
        "tenant_id": router["project_id"],
        "port_id": port["id"],
        "network_id": port["network_id"],
        "subnet_id": subnets[0] if subnets else None,
        "subnet_ids": subnets,
        "tags": [],
    }


def _refuse_overlap(tx: Transaction, router_id: str, new: list[Document]) -> None:
    for port in interfaces(tx, router_id):
        for entry in port["fixed_ips"]:
            there = tx.get("subnet", entry["subnet_id"])
            for subnet in new:
                if ip_network(there["cidr"]).overlaps(ip_network(subnet["cidr"])):
                    raise bad_request(
                        f"Bad router request: Cidr {subnet['cidr']} of subnet {subnet['id']} overlaps with cidr "
                        f"{there['cidr']} of subnet {there['id']}."
                    )


def _refuse_floating(tx: Transaction, router_id: str, subnet_ids: set[str]) -> None:
    for floating in tx.documents("floatingip", "router_id = ?", router_id):
        port = tx.find("port", floating["port_id"] or "")
        if port and any(entry["subnet_id"] in subnet_ids for entry in port["fixed_ips"]):
            message = (
                f"Router interface for subnet {next(iter(subnet_ids))} on router {router_id} cannot be deleted, as it "
                "is required by one or more floating IPs."
            )
            raise RefusedError("RouterInterfaceInUseByFloatingIP", 409, message)


def _set_gateway(tx: Transaction, router: Document, info: dict[str, Any] | None) -> None:
    """Give the router its way out by an external network, or (None) take it away."""
    router_id, before = router["id"], router["external_gateway_info"]
    if before is not None and (
        info is None or before["network_id"] != info["network_id"] or info["external_fixed_ips"]
    ):
        if tx.documents("floatingip", "router_id = ?", router_id) and info is None:
            message = f"Gateway cannot be updated for router {router_id}, since a gateway to external network is "
            raise RefusedError("RouterExternalGatewayInUseByFloatingIp", 409, message + "required by floating IPs.")
        owned = "device_id = ? AND json_extract(document, '$.device_owner') = ?"
        for port in tx.documents("port", owned, router_id, GATEWAY):
            ports.delete(tx, port["id"], service=True)
        before = router["external_gateway_info"] = None
    if info is None:
        return
    network = tx.get("network", info["network_id"])
    if not network["router:external"]:
        raise bad_request(f"Bad router request: Network {network['id']} is not an external network.")
    if before is not None:
        router["external_gateway_info"] = {**before, "enable_snat": info["enable_snat"]}
        return
    wishes = [
        {name: value for name, value in wish.items() if value is not None} for wish in info["external_fixed_ips"] or ()
    ]
    wanted: dict[str, Any] = {"network_id": network["id"], "device_id": router_id, "device_owner": GATEWAY}
    port = _make_port(tx, {**wanted, "fixed_ips": wishes} if wishes else wanted, "")
    router["external_gateway_info"] = {
        "network_id": network["id"],
        "enable_snat": info["enable_snat"],
        "external_fixed_ips": port["fixed_ips"],
    }


def _make_port(tx: Transaction, body: dict[str, Any], project: str) -> Document:
    values = PortCreate.model_validate({**body, "port_security_enabled": False}).model_dump(by_alias=True)
    return ports.create(tx, values, project)


def _routes(tx: Transaction, router: Document, given: list[dict[str, str]]) -> list[dict[str, str]]:
    """The routes, each by a next hop that is on a network of the router. Raises RefusedError."""
    on_link = [ip_network(tx.get("subnet", entry["subnet_id"])["cidr"]) for port in interfaces(tx, router["id"])
               for entry in port["fixed_ips"]]  # fmt: skip
    info = router["external_gateway_info"]
    on_link += [ip_network(tx.get("subnet", entry["subnet_id"])["cidr"]) for entry in (info or {}).get(
        "external_fixed_ips", ())]  # fmt: skip
    found: list[dict[str, str]] = []
    for route in given:
        if not any(ip_address(route["nexthop"]) in block for block in on_link):
            message = f"Invalid format for routes: {given}, the nexthop is not connected with router"
            raise RefusedError("InvalidRoutes", 400, message)
        if route not in found:
            found.append(dict(route))
    return found
