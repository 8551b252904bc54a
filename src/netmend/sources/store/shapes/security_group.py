"""Shapes of requests for security groups, their rules, and address groups.

Fields of a rule are converted where the rule is made, in Neutron's own words for what is wrong with them.
"""

from typing import Annotated

from pydantic import Field, StringConstraints, WithJsonSchema

from netmend.sources.store.shapes.common import Boolean, Shape, Tags, Text, Uuid

ADDRESSES_MAX = 10_000
_Id = Annotated[str, StringConstraints(max_length=36)]  # Neutron looks for a group of any name
_Word = Annotated[str, StringConstraints(max_length=64)]
_Protocol = Annotated[
    str | int | None,
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["tcp", "udp", "icmp", "ipv6-icmp", None]},
                {"type": "integer", "minimum": 0, "maximum": 255},
            ]
        }
    ),
]
_PortNumber = Annotated[
    str | int | None, WithJsonSchema({"type": ["integer", "null"], "minimum": 0, "maximum": 65_535})
]
Addresses = Annotated[list[_Word], Field(max_length=ADDRESSES_MAX)]


class SecurityGroupUpdate(Shape):
    """Fields that may change. A field that is left out stays as it is."""

    name: Text = ""
    description: Text = ""
    stateful: Boolean = True


class SecurityGroupCreate(SecurityGroupUpdate):
    """A new security group."""

    id: Uuid | None = None
    project_id: Text | None = None
    tenant_id: Text | None = None
    tags: Tags = []


class SecurityGroupRuleCreate(Shape):
    """A new rule."""

    security_group_id: _Id
    direction: Annotated[_Word, WithJsonSchema({"enum": ["ingress", "egress"]})]
    ethertype: Annotated[_Word, WithJsonSchema({"enum": ["IPv4", "IPv6"]})] | None = "IPv4"
    protocol: _Protocol = None
    port_range_min: _PortNumber = None
    port_range_max: _PortNumber = None
    remote_ip_prefix: _Word | None = None
    remote_group_id: _Id | None = None
    remote_address_group_id: _Id | None = None
    description: Text = ""
    id: Uuid | None = None
    project_id: Text | None = None
    tenant_id: Text | None = None


class AddressGroupUpdate(Shape):
    """Fields that may change. A field that is left out stays as it is."""

    name: Text = ""
    description: Text = ""


class AddressGroupCreate(AddressGroupUpdate):
    """A new address group."""

    addresses: Addresses | None = None
    id: Uuid | None = None
    project_id: Text | None = None
    tenant_id: Text | None = None


class AddressesChange(Shape):
    """Addresses that come into an address group, or go."""

    addresses: Addresses
