"""A port: one guest's interface on a network."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from netmend.intent.boot import Boot
from netmend.intent.plug import NoPlug, Plug

_NO_PLUG = NoPlug()


@dataclass(frozen=True, slots=True)
class Port:
    """One guest interface, known ahead by its MAC.

    `mac` is lower-case, colon-separated, unicast, unique in its network; `fixed_ips` are unique in the network and
    each lies in one of its subnets, at most one per subnet. `dhcp_options` maps option codes to encoded payloads
    (RFC 2132 wire format, without code and length), which win over what the subnet says; an empty payload means
    "do not send this option".
    """

    id: str  # canonical UUID
    name: str
    mac: str
    fixed_ips: tuple[IPv4Address, ...] = ()
    hostname: str | None = None
    dhcp_options: tuple[tuple[int, bytes], ...] = ()
    boot: Boot | None = None
    plug: Plug = _NO_PLUG
