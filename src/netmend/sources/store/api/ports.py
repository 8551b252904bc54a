"""`/v2.0/ports`."""

from netmend.intent import Network, OvsWiring
from netmend.intent.names import bridge_name
from netmend.sources.store import own_port, ports
from netmend.sources.store.api.context import Context
from netmend.sources.store.api.resource import Resource
from netmend.sources.store.bindings import WAITING
from netmend.sources.store.shapes.port import PortCreate, PortUpdate
from netmend.sources.store.transaction import Document

DEFAULT_DOMAIN = "openstacklocal"  # Neutron's `dns_domain`


def _present(document: Document, context: Context) -> Document:
    """Status, binding and names: what follows from the node and the network."""
    network_id = document["network_id"]
    network = context.store.intent.networks.get(network_id)
    is_here = document["binding:host_id"] in ("", context.host)
    answered = is_here and document["admin_state_up"] and network_id in context.served()
    document["status"] = "ACTIVE" if answered else "DOWN"
    if document["device_owner"] == own_port.OWNER and not document["binding:host_id"]:
        document["binding:host_id"] = context.host
    document.pop(WAITING, None)
    vif_type, details = vif_of(document["binding:host_id"], network_id, context)
    document["binding:vif_type"] = vif_type
    document["binding:vif_details"] = details
    domain = _domain(network)
    document["dns_assignment"] = [
        _assignment(document["dns_name"], entry["ip_address"], domain) for entry in document["fixed_ips"]
    ]
    return document


def vif_of(host: str, network_id: str, context: Context) -> tuple[str, dict[str, object]]:
    """The `vif_type` of a port of a network that is bound to `host` (empty: to none), and its `vif_details`."""
    network = context.store.intent.networks.get(network_id)
    if not host:
        return "unbound", {}
    if host != context.host:
        return "binding_failed", {}  # nobody serves ports there
    if network is not None and isinstance(network.wiring, OvsWiring):
        return "ovs", {"port_filter": False, "connectivity": "l2", "bridge_name": network.wiring.bridge}
    return "bridge", {"port_filter": False, "connectivity": "l2", "bridge_name": bridge_name(network_id)}


def _domain(network: Network | None) -> str:
    if network is None:
        return DEFAULT_DOMAIN
    if network.dns is not None and network.dns.domain:
        return network.dns.domain
    return next((subnet.domain for subnet in network.subnets if subnet.domain), DEFAULT_DOMAIN)


def _assignment(name: str, address: str, domain: str) -> dict[str, str]:
    host = name or "host-" + address.replace(".", "-").replace(":", "-")
    host, domain = host.rstrip("."), domain.rstrip(".")
    whole = host if host == domain or host.endswith("." + domain) else f"{host}.{domain}"
    return {"hostname": host.split(".")[0], "ip_address": address, "fqdn": whole + "."}


PORTS = Resource(
    name="port",
    plural="ports",
    create_shape=PortCreate,
    update_shape=PortUpdate,
    read_only=frozenset(
        {"id", "network_id", "status", "tenant_id", "project_id", "created_at", "updated_at", "revision_number", "tags",
         "dns_assignment", "binding:vif_type", "binding:vif_details"}
    ),
    present=_present,
    create=ports.create,
    update=ports.update,
    delete=lambda tx, object_id, revision, _: ports.delete(tx, object_id, revision),
)  # fmt: skip
