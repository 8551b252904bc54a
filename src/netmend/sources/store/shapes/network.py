"""Shapes of requests for networks."""

from typing import Annotated, Any, Literal

from pydantic import Field

from netmend.sources.store.shapes.common import Boolean, Digits, Shape, Tags, Text, Uuid, number_schema

Mtu = Annotated[int, Digits, Field(ge=0, le=65_535), number_schema(0, 65_535)]  # 0: the default


class NetworkUpdate(Shape):
    """Fields that may change. A field that is left out stays as it is."""

    name: Text = ""
    description: Text = ""
    admin_state_up: Boolean = True
    mtu: Mtu = 0
    shared: Boolean = False
    router_external: Boolean = Field(default=False, alias="router:external")
    port_security_enabled: Boolean = True
    dns_domain: Text = ""
    netmend: dict[str, Any] = Field(default_factory=dict, description="What else the intent file says of a network.")


class NetworkCreate(NetworkUpdate):
    """A new network."""

    id: Uuid | None = None
    project_id: Text | None = None
    tenant_id: Text | None = None
    provider_network_type: Literal["local"] | None = Field(default=None, alias="provider:network_type")
    provider_physical_network: None = Field(default=None, alias="provider:physical_network")
    provider_segmentation_id: None = Field(default=None, alias="provider:segmentation_id")
    availability_zone_hints: Annotated[list[Text], Field(max_length=10)] = []
    tags: Tags = []
