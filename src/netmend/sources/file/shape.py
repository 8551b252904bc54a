"""The shape of an intent file: which fields there are, of which types. What they say is checked in `build`.

Types are strict: text is not taken for a number, nor a number for text. Fields that are not known are refused.
"""

from typing import Any, Literal

from msgspec import Struct, ValidationError, convert

from netmend.ground.problem import Place
from netmend.sources.problem import Complaints


class Shape(Struct, forbid_unknown_fields=True):
    """A mapping of the file: it has no unknown fields, and no values of other types."""


class BootByArchitectureShape(Shape):
    architectures: list[int | str]
    bootfile: str
    tftp_server: str | None = None


class BootShape(Shape):
    tftp_server: str | None = None
    bootfile: str | None = None
    by_architecture: list[BootByArchitectureShape] | None = None
    http: str | None = None
    ipxe: str | None = None


class TapShape(Shape):
    owner: int


class PlugShape(Shape):
    tap: TapShape | None = None
    netns: str | None = None
    pid: int | None = None
    device: str | None = None


class RouteShape(Shape):
    destination: str
    nexthop: str


Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless", "none"]


class SubnetShape(Shape):
    cidr: str
    name: str | None = None
    id: str | None = None
    gateway: str | None = None
    server_address: str | None = None
    pools: list[str] | None = None
    dynamic: bool = False
    dns_servers: list[str] | None = None
    domain: str | None = None
    routes: list[RouteShape] | None = None
    ntp_servers: list[str] | None = None
    lease_time: int | None = None
    lease_per: Literal["port", "client"] | None = None
    boot: BootShape | None = None
    dhcp_options: dict[str, Any] | None = None
    dhcp6_options: dict[str, Any] | None = None
    address_mode: Mode | None = None  # this and what follows: of IPv6 only
    ra_mode: Mode | None = None
    bootfile_url: str | None = None
    ipxe_bootfile_url: str | None = None

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.cidr

    @property
    def tells_version(self) -> bool:
        """Whether the CIDR, which may be unreadable, is one of IPv4 or of IPv6 beyond doubt."""
        return ":" in self.cidr or "." in self.cidr


class InstanceShape(Shape):
    id: str | None = None
    name: str | None = None
    hostname: str | None = None
    public_keys: dict[str, str] | None = None
    user_data: str | None = None
    user_data_base64: str | None = None
    user_data_file: str | None = None
    vendor_data: dict[str, Any] | None = None
    vendor_data2: dict[str, Any] | None = None
    meta: dict[str, str] | None = None
    instance_type: str | None = None
    availability_zone: str | None = None
    admin_password: str | None = None
    tokens: Literal["optional", "required"] = "optional"
    token_hop_limit: int = 1


class MetadataProxyShape(Shape):
    endpoints: list[str]
    shared_secret: str | None = None
    shared_secret_file: str | None = None
    verify: bool = True
    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None


class AddressPairShape(Shape):
    ip_address: str
    mac_address: str | None = None


class PortShape(Shape):
    name: str
    id: str | None = None
    mac: str | None = None
    fixed_ips: list[str] | None = None
    hostname: str | None = None
    dhcp_options: dict[str, Any] | None = None
    dhcp6_options: dict[str, Any] | None = None
    duid: str | None = None
    client_id: str | None = None
    boot: BootShape | None = None
    plug: PlugShape | Literal["none"] | None = None
    port_security: bool | None = None
    allowed_address_pairs: list[AddressPairShape] | None = None
    security_groups: list[str] | None = None
    instance: InstanceShape | None = None
    device_id: str | None = None
    project_id: str | None = None


class OvsShape(Shape):
    bridge: str | None = None
    veth: bool = False
    datapath: Literal["system", "netdev"] | None = None
    tags: Literal["own", "agent"] = "own"


class WiringShape(Shape):
    ovs: OvsShape | None = None


class DnsShape(Shape):
    domain: str | None = None
    forward_to: list[str] | None = None
    forward: bool = True
    allow_private: bool = False
    guest_rate: int | None = None
    records: dict[str, list[str]] | None = None
    forward_domains: dict[str, list[str]] | None = None
    share_names: bool = False


class NetworkShape(Shape):
    name: str
    id: str | None = None
    mtu: int | None = None
    wiring: WiringShape | Literal["bridge", "ovs"] | None = None
    metadata: Literal["off", "embedded", "proxy"] | None = None
    project_id: str | None = None
    dns: DnsShape | bool | None = None
    dhcp_options: dict[str, Any] | None = None
    dhcp6_options: dict[str, Any] | None = None
    port_security: bool | None = None
    subnets: list[SubnetShape] | None = None
    ports: list[PortShape] | None = None


class UplinkShape(Shape):
    device: str | None = None
    addresses: list[str] | None = None
    gateways: list[str] | None = None


class FloatingIpShape(Shape):
    address: str
    to: str


class PortForwardShape(Shape):
    port: int
    to: str
    protocol: Literal["tcp", "udp"] = "tcp"
    to_port: int | None = None
    address: str | None = None


class RouterShape(Shape):
    name: str
    id: str | None = None
    networks: list[str] | None = None
    uplink: UplinkShape | Literal["host"] | None = None
    snat: bool = True
    routes: list[RouteShape] | None = None
    floating_ips: list[FloatingIpShape] | None = None
    port_forwards: list[PortForwardShape] | None = None
    project_id: str | None = None


class SecurityRuleShape(Shape):
    direction: Literal["ingress", "egress"] = "ingress"
    version: Literal[4, 6] | None = None
    protocol: str | int | None = None
    ports: str | int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    remote: str | None = None
    remote_group: str | None = None
    remote_address_group: str | None = None


class SecurityGroupShape(Shape):
    name: str
    id: str | None = None
    stateful: bool = True
    egress: bool | None = None
    rules: list[SecurityRuleShape] | None = None
    project_id: str | None = None


class AddressGroupShape(Shape):
    name: str
    id: str | None = None
    addresses: list[str] | None = None


class FileShape(Shape):
    networks: list[NetworkShape] | None
    metadata_proxy: MetadataProxyShape | None = None
    routers: list[RouterShape] | None = None
    security_groups: list[SecurityGroupShape] | None = None
    address_groups: list[AddressGroupShape] | None = None


def check_shape(root: object, complaints: Complaints) -> FileShape | None:
    """The file's shape, or None and a complaint for every field that does not fit."""
    try:
        return convert(root, FileShape)
    except ValidationError as error:
        from netmend.sources.file.misfits import misfits  # with pydantic, which a good file does without

        for place, why in misfits(root, str(error)):
            complaints.add(place, why)
        return None


_FIELDS: dict[str, type[Shape]] = {
    "networks": NetworkShape,
    "subnets": SubnetShape,
    "ports": PortShape,
    "boot": BootShape,
    "by_architecture": BootByArchitectureShape,
    "plug": PlugShape,
    "tap": TapShape,
    "wiring": WiringShape,
    "ovs": OvsShape,
    "routes": RouteShape,
    "dns": DnsShape,
    "instance": InstanceShape,
    "metadata_proxy": MetadataProxyShape,
    "routers": RouterShape,
    "uplink": UplinkShape,
    "floating_ips": FloatingIpShape,
    "port_forwards": PortForwardShape,
    "security_groups": SecurityGroupShape,
    "rules": SecurityRuleShape,
    "address_groups": AddressGroupShape,
}
SECRETS = frozenset(("admin_password", "shared_secret"))  # what they say is not repeated
WIRING_FORMS = "`bridge`, `ovs` or `{ovs: {...}}`"
PLUG_FORMS = "`none`, `{tap: {owner: UID}}`, `{netns: NAME}` or `{pid: NUMBER}`"
UPLINK_FORMS = "`host` or `{device: NAME, addresses: [ADDRESS/LENGTH], gateways: [ADDRESS]}`"


def known_fields(place: Place) -> list[str]:
    """The fields of the mapping that `place` is in; none where a mapping has the keys that its author likes."""
    around = next((step for step in reversed(place[:-1]) if isinstance(step, str)), None)
    shape = _FIELDS.get(around) if around else FileShape
    return list(shape.__struct_fields__) if shape else []
