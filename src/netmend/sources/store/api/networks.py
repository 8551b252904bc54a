"""`/v2.0/networks`."""

from netmend.sources.store import networks
from netmend.sources.store.api.context import Context
from netmend.sources.store.api.resource import Resource
from netmend.sources.store.networks import ZONE
from netmend.sources.store.shapes.network import NetworkCreate, NetworkUpdate
from netmend.sources.store.transaction import Document


def _present(document: Document, context: Context) -> Document:
    document["availability_zones"] = [ZONE] if document["id"] in context.served() else []
    return document


NETWORKS = Resource(
    name="network",
    plural="networks",
    create_shape=NetworkCreate,
    update_shape=NetworkUpdate,
    read_only=frozenset(
        {"id", "status", "subnets", "tenant_id", "project_id", "created_at", "updated_at", "revision_number", "tags",
         "availability_zones", "availability_zone_hints", "ipv4_address_scope", "ipv6_address_scope",
         "provider:network_type", "provider:physical_network", "provider:segmentation_id"}
    ),
    present=_present,
    create=networks.create,
    update=networks.update,
    delete=lambda tx, object_id, revision, _: networks.delete(tx, object_id, revision),
)  # fmt: skip
