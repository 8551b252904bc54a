"""Neutron's names for things (neutron-lib `constants`)."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

Raw = Mapping[str, Any]  # a resource as the server sends it

DHCP_OWNER = "network:dhcp"
DISTRIBUTED_OWNER = "network:distributed"
ROUTER_OWNERS = frozenset(
    ("network:router_interface", "network:ha_router_replicated_interface", "network:router_interface_distributed")
)
# Ports that DHCP never answers (DHCP_CONFIG_NOT_REQUIRED_OWNERS).
WITHOUT_DHCP = frozenset(("network:router_ha_interface", "network:floatingip", DHCP_OWNER, DISTRIBUTED_OWNER))
RESERVED_DHCP_PORT = "reserved_dhcp_port"  # `device_id` of a DHCP port that waits for an agent to take it
OVN_METADATA = "ovnmeta-"  # start of the `device_id` of OVN's own metadata port


def dhcp_device_id(network_id: str, host: str, segmentation_id: int | None = None) -> str:
    """`device_id` of the DHCP port of the agent on `host` (neutron/common/utils.py, get_dhcp_agent_device_id)."""
    host_id = uuid5(NAMESPACE_DNS, host.partition(".")[0])
    device_id = f"dhcp{host_id}-{network_id}"
    return f"{device_id}-{segmentation_id}" if segmentation_id else device_id


def is_of_network(device_id: str, network_id: str) -> bool:
    """Whether a DHCP port's `device_id` is that of a network, and not that of one of its segments."""
    return device_id.endswith(network_id)


def segment_network_id(network_id: str, segment_id: str) -> str:
    """The id under which intent has a further segment of a network, one a host."""
    return str(uuid5(UUID(network_id), segment_id))


def project_of(raw: Raw) -> str | None:
    return raw.get("project_id") or raw.get("tenant_id") or None
