"""Shapes of requests for subnets."""

from typing import Annotated, Any, Literal

from pydantic import Field

from netmend.sources.store.shapes.common import Address, Boolean, Cidr, Shape, Tags, Text, Uuid

Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]


class PoolShape(Shape):
    """An inclusive range."""

    start: Address
    end: Address


class RouteShape(Shape):
    destination: Cidr
    nexthop: Address


Pools = Annotated[list[PoolShape], Field(max_length=100)]
Servers = Annotated[list[Address], Field(max_length=63)]
Routes = Annotated[list[RouteShape], Field(max_length=63)]


class SubnetUpdate(Shape):
    """Fields that may change. A field that is left out stays as it is."""

    name: Text = ""
    description: Text = ""
    enable_dhcp: Boolean = True
    gateway_ip: Address | None = None
    allocation_pools: Pools | None = None
    dns_nameservers: Servers | None = None
    host_routes: Routes | None = None
    netmend: dict[str, Any] = Field(default_factory=dict, description="What else the intent file says of a subnet.")


class SubnetCreate(SubnetUpdate):
    """A new subnet."""

    network_id: Uuid
    cidr: Cidr
    ip_version: Literal[4, 6, "4", "6"]
    id: Uuid | None = None
    project_id: Text | None = None
    tenant_id: Text | None = None
    ipv6_ra_mode: Mode | None = None
    ipv6_address_mode: Mode | None = None
    subnetpool_id: None = None
    service_types: Annotated[list[Text], Field(max_length=0)] = []
    tags: Tags = []
