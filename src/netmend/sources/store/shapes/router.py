"""Shapes of requests for routers and floating IPs."""

from typing import Annotated, Literal

from pydantic import Field

from netmend.sources.store.shapes.common import Address, Boolean, Cidr, Digits, Shape, Tags, Text, Uuid, number_schema


class ExternalFixedIp(Shape):
    """An address of the router on its external network."""

    subnet_id: Uuid | None = None
    ip_address: Address | None = None


class Gateway(Shape):
    """The way out."""

    network_id: Uuid
    enable_snat: Boolean = True
    external_fixed_ips: list[ExternalFixedIp] | None = None
    qos_policy_id: None = None


class NoGateway(Shape):
    """`{}`, which asks for no way out, as in Neutron."""


class ExtraRoute(Shape):
    """A static route."""

    destination: Cidr
    nexthop: Address


class RouterUpdate(Shape):
    """Fields that may change. A field that is left out stays as it is."""

    name: Text = ""
    description: Text = ""
    admin_state_up: Boolean = True
    external_gateway_info: Gateway | NoGateway | None = None
    routes: list[ExtraRoute] | None = None


class RouterCreate(RouterUpdate):
    """A new router."""

    id: Uuid | None = None
    project_id: Text | None = None
    tenant_id: Text | None = None
    distributed: Annotated[bool, Field(json_schema_extra={"enum": [False]})] | None = None
    ha: Annotated[bool, Field(json_schema_extra={"enum": [False]})] | None = None
    availability_zone_hints: Annotated[list[Text], Field(max_length=0)] = []
    flavor_id: None = None
    tags: Tags = []


class FloatingIpUpdate(Shape):
    """Fields that may change: which guest it is of, None for none."""

    description: Text = ""
    port_id: Uuid | None = None
    fixed_ip_address: Address | None = None


class FloatingIpCreate(FloatingIpUpdate):
    """A new floating IP."""

    id: Uuid | None = None
    project_id: Text | None = None
    tenant_id: Text | None = None
    floating_network_id: Uuid
    floating_ip_address: Address | None = None
    subnet_id: Uuid | None = None
    dns_domain: Text = ""
    dns_name: Text = ""
    tags: Tags = []


_PortNumber = Annotated[int, Digits, Field(ge=1, le=65_535), number_schema(1, 65_535)]


class PortForwardingUpdate(Shape):
    """Fields that may change. A field that is left out stays as it is."""

    description: Text = ""
    internal_port_id: Uuid | None = None
    internal_ip_address: Address | None = None
    internal_port: _PortNumber = 1
    external_port: _PortNumber = 1
    protocol: Literal["tcp", "udp"] = "tcp"


class PortForwardingCreate(Shape):
    """A new port forwarding."""

    description: Text = ""
    internal_port_id: Uuid
    internal_ip_address: Address | None = None
    internal_port: _PortNumber
    external_port: _PortNumber
    protocol: Literal["tcp", "udp"]
