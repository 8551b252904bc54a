"""Shapes of requests for ports."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from netmend.sources.store.shapes.common import Address, Boolean, Mac, Shape, Tags, Text, Uuid

VnicType = Literal[
    "normal",
    "macvtap",
    "direct",
    "baremetal",
    "direct-physical",
    "virtio-forwarder",
    "smart-nic",
    "vdpa",
    "accelerator-direct",
    "accelerator-direct-physical",
    "remote-managed",
]


def _each_once(ids: list[str] | None) -> list[str] | None:
    if ids is not None and len(set(ids)) < len(ids):
        raise ValueError(f"Duplicate items in the list: '{', '.join(ids)}'")
    return ids


SecurityGroups = Annotated[  # null is none, as in Neutron; a new port that says nothing gets its project's default
    list[Uuid] | None,
    BeforeValidator(lambda value: [] if value is None else value),
    AfterValidator(_each_once),
]


class FixedIpShape(Shape):
    """An address in particular, or any of a subnet."""

    subnet_id: Uuid | None = None
    ip_address: Address | None = None


class AddressPairShape(Shape):
    """A pair of addresses from which a guest may send beside its own."""

    ip_address: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    mac_address: Mac | None = None


class DhcpOptionShape(Shape):
    """A DHCP option by dnsmasq's name or by number; without a value, one that is no longer set."""

    opt_name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    opt_value: Annotated[str, StringConstraints(max_length=255)] | None = None
    ip_version: Literal[4, 6, "4", "6"] = 4


class BindingUpdate(Shape):
    """Fields of a binding that may change. A field that is left out stays as it is."""

    vnic_type: VnicType = "normal"
    profile: dict[str, Any] | None = None


class BindingCreate(BindingUpdate):
    """A new binding."""

    host: Annotated[Text, Field(min_length=1)]
    project_id: Text | None = None


class PortUpdate(Shape):
    """Fields that may change. A field that is left out stays as it is."""

    name: Text = ""
    description: Text = ""
    admin_state_up: Boolean = True
    mac_address: Mac | None = None
    fixed_ips: Annotated[list[FixedIpShape], Field(max_length=100)] | None = None
    device_id: Text = ""
    device_owner: Text = ""
    allowed_address_pairs: Annotated[list[AddressPairShape], Field(max_length=100)] | None = None
    extra_dhcp_opts: Annotated[list[DhcpOptionShape], Field(max_length=100)] | None = None
    security_groups: SecurityGroups = None
    port_security_enabled: Boolean = True
    dns_name: Text = ""
    binding_host_id: Text | None = Field(default=None, alias="binding:host_id")
    binding_profile: dict[str, Any] | None = Field(default=None, alias="binding:profile")
    binding_vnic_type: VnicType = Field(default="normal", alias="binding:vnic_type")
    netmend: dict[str, Any] = Field(default_factory=dict, description="What else the intent file says of a port.")


class PortCreate(PortUpdate):
    """A new port."""

    network_id: Uuid
    port_security_enabled: Boolean | None = None  # type: ignore[assignment]  # None: as the network says
    id: Uuid | None = None
    project_id: Text | None = None
    tenant_id: Text | None = None
    tags: Tags = []
