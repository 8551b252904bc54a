"""`/v2.0/subnets`."""

from netmend.sources.store import subnets
from netmend.sources.store.api.context import Context
from netmend.sources.store.api.resource import Resource
from netmend.sources.store.shapes.subnet import SubnetCreate, SubnetUpdate
from netmend.sources.store.transaction import Document


def _present(document: Document, _: Context) -> Document:
    return document


SUBNETS = Resource(
    name="subnet",
    plural="subnets",
    create_shape=SubnetCreate,
    update_shape=SubnetUpdate,
    read_only=frozenset(
        {"id", "network_id", "cidr", "ip_version", "ipv6_ra_mode", "ipv6_address_mode", "subnetpool_id", "tenant_id",
         "project_id", "created_at", "updated_at", "revision_number", "tags", "service_types", "router:external"}
    ),
    optional=frozenset({"gateway_ip"}),
    present=_present,
    create=subnets.create,
    update=subnets.update,
    delete=lambda tx, object_id, revision, _: subnets.delete(tx, object_id, revision),
)  # fmt: skip
