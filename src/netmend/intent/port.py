"""A port: one guest's interface on a network, and how it reaches the guest (its plug)."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from msgspec import Struct

from netmend.intent.metadata import Instance
from netmend.intent.subnet import Boot

DEFAULT_GUEST_DEVICE = "eth0"


class NoPlug(Struct, frozen=True):
    """Another program wires the guest; netmend only answers it."""


class TapPlug(Struct, frozen=True):
    """A persistent tap on the network's bridge, for the process of a VM that runs as user `owner` (a uid)."""

    owner: int


class NetnsPlug(Struct, frozen=True):
    """A veth with its far end as `device` in the namespace pinned under `netns` in the namespace directory."""

    netns: str
    device: str = DEFAULT_GUEST_DEVICE


class PidPlug(Struct, frozen=True):
    """A veth with its far end as `device` in the network namespace of process `pid`."""

    pid: int
    device: str = DEFAULT_GUEST_DEVICE


Plug = NoPlug | TapPlug | NetnsPlug | PidPlug
_NO_PLUG = NoPlug()


class AddressPair(Struct, frozen=True):
    """A block of addresses that a port may use beside its fixed IPs, from `mac`."""

    block: IPv4Network | IPv6Network
    mac: str


class Port(Struct, frozen=True):
    """One guest interface, known ahead by its MAC.

    `mac` is lower-case, colon-separated, unicast, unique in its network; `fixed_ips` are unique in the network and
    each lies in one of its subnets; DHCP gives the first one on the guest's link, or the one of them that the guest
    asks for. `dhcp_options` maps option codes to encoded payloads (RFC 2132 wire format, without code and length),
    which win over what the subnet says; an empty payload means "do not send this option"; `dhcp6_options` likewise, of
    DHCPv6. `fixed_ips6` are unique in the network too, each in one of its IPv6 subnets. `duid` is the client's DUID
    where intent knows it (RFC 8415 section 11).

    `client_id` is the client identifier (option 61) by which DHCPv4 knows the guest beside its MAC, also where it has
    no hardware address (RFC 4390); it is unique in the network.

    The `ipxe_` options win over the others where the client is iPXE (DHCPv4: it sends option 175; DHCPv6: its user
    class is `iPXE`). `names` are the fully qualified names of single addresses of the guest, also of such that are no
    fixed IP here (in a subnet that is not served); where there are any, they are its names in DNS, not `hostname`.
    """

    id: str  # canonical UUID
    name: str
    mac: str
    fixed_ips: tuple[IPv4Address, ...] = ()
    hostname: str | None = None
    dhcp_options: tuple[tuple[int, bytes], ...] = ()
    boot: Boot | None = None
    plug: Plug = _NO_PLUG
    fixed_ips6: tuple[IPv6Address, ...] = ()
    duid: bytes | None = None
    dhcp6_options: tuple[tuple[int, bytes], ...] = ()
    instance: Instance | None = None  # what embedded metadata tells the guest
    device_id: str | None = None  # the instance, as Nova knows it: proxied metadata
    project_id: str | None = None  # None: the network's
    ipxe_dhcp_options: tuple[tuple[int, bytes], ...] = ()
    ipxe_dhcp6_options: tuple[tuple[int, bytes], ...] = ()
    names: tuple[tuple[IPv4Address | IPv6Address, str], ...] = ()
    port_security: bool = True  # it passes its own addresses alone, where netmend plugs it into a bridge
    allowed_address_pairs: tuple[AddressPair, ...] = ()  # with port security only
    client_id: bytes | None = None
    security_groups: tuple[str, ...] | None = (
        None  # ids, sorted; (): it passes nothing but what a guest needs; None: no rules
    )

    @property
    def addresses(self) -> tuple[IPv4Address | IPv6Address, ...]:
        """The fixed IPs of both versions, those of IPv4 first."""
        return (*self.fixed_ips, *self.fixed_ips6)
