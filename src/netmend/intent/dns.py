"""Names: what netmend answers of a network's own, and whom it asks of all others."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

DEFAULT_GUEST_RATE = 1000  # queries a second; clouds let one interface put as many (AWS: 1,024 packets)


@dataclass(frozen=True, slots=True)
class Dns:
    """The network's resolver, on netmend's own addresses in its subnets.

    `domain` is the network's own zone, beside the domains of its subnets (None: those alone). `forwarders` are asked of
    names that are not the network's own; without any, the host's (resolv.conf(5)); with `forward` false, nobody. They
    are asked from the host's network namespace. With `allow_private`, they may give private addresses, and are asked
    of names that are private to an organisation. `guest_rate` is how many queries a second one guest may put; 0: any.
    """

    domain: str | None = None
    forwarders: tuple[IPv4Address | IPv6Address, ...] = ()
    forward: bool = True
    allow_private: bool = False
    guest_rate: int = DEFAULT_GUEST_RATE
